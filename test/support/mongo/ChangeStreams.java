import de.bwaldvogel.mongo.bson.BsonTimestamp;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Cursors of change streams on one collection each. Events and tokens are shaped as mongod's. */
final class ChangeStreams {
  /** Larger events are cut into fragments if a stream asks for it. */
  private static final int SPLIT_BYTES = Integer.getInteger("split.bytes", 16 << 20);

  /** Looks a document up as it is now. */
  interface Lookup {
    Document find(String database, String collection, Object id);
  }

  private static final class Stream {
    final long id;
    final String database;
    final String collection;
    final Document stage;
    final boolean isSplit;
    /** Events that were read and not sent yet. */
    final Queue<Document> queue = new ArrayDeque<>();
    /** Time of the last entry that was looked at. */
    long time;
    /** Token of the last event that was sent, or that it started after. */
    Document token;
    /** So many fragments of the first event were sent by the stream before. */
    int skip;
    boolean isInvalidated;
    /** By an election. */
    volatile boolean isInterrupted;

    Stream(long id, String database, String collection, Document stage, boolean isSplit) {
      this.id = id;
      this.database = database;
      this.collection = collection;
      this.stage = stage;
      this.isSplit = isSplit;
    }

    boolean isOver() {
      return isInvalidated && queue.isEmpty();
    }
  }

  private final ChangeLog log;
  private final Lookup lookup;
  private final Map<Long, Stream> streams = new ConcurrentHashMap<>();
  private final AtomicLong ids = new AtomicLong(1L << 40);

  ChangeStreams(ChangeLog log, Lookup lookup) {
    this.log = log;
    this.lookup = lookup;
  }

  boolean has(Object id) {
    return id instanceof Number number && streams.containsKey(number.longValue());
  }

  /** Answers an aggregate whose first stage is $changeStream. */
  Document open(String database, String collection, Document query, List<Document> pipeline) {
    Document stage = (Document) pipeline.get(0).get("$changeStream");
    boolean isSplit = pipeline.get(pipeline.size() - 1).containsKey("$changeStreamSplitLargeEvent");
    Stream stream = new Stream(ids.incrementAndGet(), database, collection, stage, isSplit);
    Document resumeAfter = (Document) stage.get("resumeAfter");
    Document startAfter = (Document) stage.get("startAfter");
    if (resumeAfter != null && isInvalidate(resumeAfter)) {
      throw new MongoServerError(260, "InvalidResumeToken", "resumeAfter an invalidate event is not possible");
    }
    Document token = resumeAfter != null ? resumeAfter : startAfter;
    stream.token = token;
    if (token != null) {
      stream.skip = fragmentOf(token);
      stream.time = stream.skip > 0 ? timeOf(token) - 1 : timeOf(token);
    }
    else if (stage.get("startAtOperationTime") instanceof BsonTimestamp time) stream.time = time.getValue() - 1;
    else stream.time = log.now();
    if (!log.reaches(stream.time) || token != null && stream.time > log.now()) {
      throw new MongoServerError(286, "ChangeStreamHistoryLost", "the resume point may no longer be in the oplog");
    }
    ChangeLog.Entry last = token == null || isInvalidate(token) ? null : log.at(stream.time);
    if (last != null && invalidates(stream, last)) {
      stream.isInvalidated = true;
      stream.queue.add(invalidate(last));
    }
    int size = query.get("cursor") instanceof Document cursor && cursor.get("batchSize") instanceof Number number
        ? number.intValue() : 101;
    List<Document> batch = size == 0 ? List.of() : next(stream, size);
    streams.put(stream.id, stream);
    return answer(stream, "firstBatch", batch);
  }

  /** Answers a getMore: waits for changes as long as it says. */
  Document more(long id, Document query) {
    Stream stream = streams.get(id);
    if (stream == null) throw new MongoServerError(43, "CursorNotFound", "cursor id " + id + " not found");
    int size = query.get("batchSize") instanceof Number number && number.intValue() > 0 ? number.intValue() : 1000;
    long wait = query.get("maxTimeMS") instanceof Number number ? number.longValue() : 1000;
    long deadline = System.nanoTime() + wait * 1_000_000;
    List<Document> batch = next(stream, size);
    while (batch.isEmpty() && !stream.isOver() && streams.containsKey(id)) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left <= 0) break;
      try {
        log.await(stream.time, left);
      } catch (InterruptedException interrupted) {
        break;
      }
      batch = next(stream, size);
    }
    if (stream.isInterrupted) {
      throw new MongoServerError(11602, "InterruptedDueToReplStateChange", "operation was interrupted");
    }
    if (stream.isOver()) streams.remove(id);
    return answer(stream, "nextBatch", batch);
  }

  /** @return whether it was a change stream */
  boolean kill(long id) {
    boolean isKilled = streams.remove(id) != null;
    if (isKilled) log.wakeAll();
    return isKilled;
  }

  /** Ends all streams, those that wait with an error. */
  void interrupt() {
    for (Stream stream : streams.values()) stream.isInterrupted = true;
    streams.clear();
    log.wakeAll();
  }

  /** What is sent next: a fragment comes alone, as those of 16 MB do. */
  private List<Document> next(Stream stream, int size) {
    if (stream.queue.isEmpty()) read(stream, size);
    List<Document> batch = new ArrayList<>();
    while (!stream.queue.isEmpty() && batch.size() < size) {
      Document event = stream.queue.remove();
      batch.add(event);
      stream.token = (Document) event.get("_id");
      if (event.containsKey("splitEvent")) break;
    }
    return batch;
  }

  private void read(Stream stream, int size) {
    List<ChangeLog.Entry> entries = new ArrayList<>();
    synchronized (log) {
      int index = log.indexAfter(stream.time);
      for (; index < log.size() && entries.size() < size && !stream.isInvalidated; index++) {
        ChangeLog.Entry entry = log.get(index);
        stream.time = entry.time;
        if (!concerns(stream, entry)) continue;
        entries.add(entry);
        stream.isInvalidated = invalidates(stream, entry);
      }
      if (index == log.size() && !stream.isInvalidated) stream.time = log.now();
    }
    // Looking documents up takes the collection's lock, which a writer holds while it waits for the log's.
    for (ChangeLog.Entry entry : entries) {
      List<Document> parts = fragments(stream, event(stream, entry));
      if (stream.skip > 0 && (parts.size() == 1 || stream.skip > parts.size())) {
        throw new MongoServerError(280, "ChangeStreamFatalError", "the event to resume in was not split so");
      }
      stream.queue.addAll(parts.subList(stream.skip, parts.size()));
      stream.skip = 0;
    }
    if (stream.isInvalidated && !entries.isEmpty()) stream.queue.add(invalidate(entries.get(entries.size() - 1)));
  }

  private static boolean concerns(Stream stream, ChangeLog.Entry entry) {
    return stream.database.equals(entry.database) && stream.collection.equals(entry.collection);
  }

  private static boolean invalidates(Stream stream, ChangeLog.Entry entry) {
    return concerns(stream, entry) && Set.of("drop", "rename").contains(entry.type);
  }

  /** The event, or fragments of it with as many of its fields as fit into each. */
  private static List<Document> fragments(Stream stream, Document event) {
    if (!stream.isSplit || event.toString().length() <= SPLIT_BYTES) return List.of(event);
    List<Document> parts = new ArrayList<>();
    int length = SPLIT_BYTES;
    for (Map.Entry<String, Object> field : event.entrySet()) {
      if (field.getKey().equals("_id")) continue;
      int more = String.valueOf(field.getValue()).length();
      if (length + more > SPLIT_BYTES) {
        String data = String.format("%s%02X", ((Document) event.get("_id")).get("_data"), parts.size() + 1);
        parts.add(new Document("_id", new Document("_data", data)));
        length = 0;
      }
      parts.get(parts.size() - 1).append(field.getKey(), field.getValue());
      length += more;
    }
    for (int index = 0; index < parts.size(); index++) {
      parts.get(index).append("splitEvent", new Document("fragment", index + 1).append("of", parts.size()));
    }
    return parts;
  }

  private static Document invalidate(ChangeLog.Entry entry) {
    return new Document("_id", token(entry.time, true))
        .append("operationType", "invalidate")
        .append("clusterTime", new BsonTimestamp(entry.time))
        .append("wallTime", entry.wallTime);
  }

  private Document event(Stream stream, ChangeLog.Entry entry) {
    Object fullDocument = stream.stage.get("fullDocument");
    Object before = stream.stage.get("fullDocumentBeforeChange");
    Document event = new Document("_id", token(entry.time, false))
        .append("operationType", entry.type)
        .append("clusterTime", new BsonTimestamp(entry.time))
        .append("wallTime", entry.wallTime);
    if (entry.full != null) event.append("fullDocument", entry.full.cloneDeeply());
    else if (entry.type.equals("update") && "updateLookup".equals(fullDocument)) {
      event.append("fullDocument", lookup.find(entry.database, entry.collection, entry.id));
    } else if (entry.type.equals("update") && fullDocument != null && !"default".equals(fullDocument)) {
      event.append("fullDocument", image(entry.after, fullDocument));
    }
    event.append("ns", new Document("db", entry.database).append("coll", entry.collection));
    if (entry.to != null) event.append("to", entry.to);
    if (entry.id != null) event.append("documentKey", new Document("_id", entry.id));
    if (entry.update != null) event.append("updateDescription", entry.update.cloneDeeply());
    boolean hasBefore = Set.of("update", "replace", "delete").contains(entry.type);
    if (before != null && !"off".equals(before) && hasBefore) {
      event.append("fullDocumentBeforeChange", image(entry.before, before));
    }
    return event;
  }

  /** A document before or after a change; null if it expired. */
  private static Document image(Document image, Object mode) {
    if (image != null || !"required".equals(mode)) return image;
    throw new MongoServerError(47, "NoMatchingDocument", "Change stream was configured to require an image that was not found");
  }

  private static Document answer(Stream stream, String name, List<Document> batch) {
    boolean isAtToken = !stream.queue.isEmpty() || stream.token != null && timeOf(stream.token) >= stream.time;
    Document cursor = new Document(name, batch)
        .append("postBatchResumeToken", isAtToken ? stream.token : token(stream.time, stream.isInvalidated))
        .append("id", stream.isOver() ? 0L : stream.id)
        .append("ns", stream.database + "." + stream.collection);
    return new Document("cursor", cursor);
  }

  private static Document token(long time, boolean isInvalidate) {
    return new Document("_data", String.format("82%016X%s", time, isInvalidate ? "01" : "00"));
  }

  private static boolean isInvalidate(Document token) {
    return String.valueOf(token.get("_data")).matches(".{18}01");
  }

  /** 0 if the token is that of a whole event. */
  private static int fragmentOf(Document token) {
    String data = String.valueOf(token.get("_data"));
    return data.length() == 22 ? Integer.parseInt(data.substring(20), 16) : 0;
  }

  private static long timeOf(Document token) {
    String data = String.valueOf(token.get("_data"));
    if (data.length() != 20 && data.length() != 22) throw new MongoServerError(280, "ChangeStreamFatalError", "no resume token of this server");
    return Long.parseUnsignedLong(data.substring(2, 18), 16);
  }
}
