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
  /** Ends of tokens. In that of a fragment, its number is between 00 and 04. */
  private static final String CHANGE = "0004";
  private static final String INVALIDATE = "010004";
  private static final String HIGH_WATER_MARK = "6E1404";

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
    /** The change to continue after: it is read, looked up and cut again, and must have this token then too. */
    String resumed;
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
      if (isOfChange(token)) stream.resumed = dataOf(token);
      stream.time = stream.resumed == null ? timeOf(token) : timeOf(token) - 1;
    }
    else if (stage.get("startAtOperationTime") instanceof BsonTimestamp time) stream.time = time.getValue() - 1;
    else stream.time = log.now();
    if (!log.reaches(stream.time) || token != null && stream.time > log.now()) {
      throw new MongoServerError(286, "ChangeStreamHistoryLost", "the resume point may no longer be in the oplog");
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
      stream.queue.addAll(stream.resumed == null ? parts : after(stream.resumed, parts));
      stream.resumed = null;
    }
    if (stream.isInvalidated && !entries.isEmpty()) stream.queue.add(invalidate(entries.get(entries.size() - 1)));
  }

  /** What follows a token of a change. */
  private static List<Document> after(String data, List<Document> parts) {
    for (int index = 0; index < parts.size(); index++) {
      if (dataOf((Document) parts.get(index).get("_id")).equals(data)) return parts.subList(index + 1, parts.size());
    }
    throw new MongoServerError(280, "ChangeStreamFatalError", "cannot resume: the resume token was not found");
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
        String number = parts.isEmpty() ? "29" : String.format("2B%02X", 2 * parts.size());
        String data = dataOf((Document) event.get("_id")).replaceFirst("04$", number + "04");
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
    return new Document("_id", token(entry.time, INVALIDATE))
        .append("operationType", "invalidate")
        .append("clusterTime", new BsonTimestamp(entry.time))
        .append("wallTime", entry.wallTime);
  }

  private Document event(Stream stream, ChangeLog.Entry entry) {
    Object fullDocument = stream.stage.get("fullDocument");
    Object before = stream.stage.get("fullDocumentBeforeChange");
    Document event = new Document("_id", token(entry.time, CHANGE))
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
    String end = stream.isInvalidated ? INVALIDATE : HIGH_WATER_MARK;
    Document cursor = new Document(name, batch)
        .append("postBatchResumeToken", isAtToken ? stream.token : token(stream.time, end))
        .append("id", stream.isOver() ? 0L : stream.id)
        .append("ns", stream.database + "." + stream.collection);
    return new Document("cursor", cursor);
  }

  private static Document token(long time, String end) {
    return new Document("_data", String.format("82%016X%s", time, end));
  }

  private static String dataOf(Document token) {
    return String.valueOf(token.get("_data"));
  }

  private static boolean isInvalidate(Document token) {
    return dataOf(token).matches(".{18}" + INVALIDATE);
  }

  /** Whether it is the token of a change or of a fragment of one. */
  private static boolean isOfChange(Document token) {
    return dataOf(token).matches(".{18}00(29|2B..)?04");
  }

  private static long timeOf(Document token) {
    String data = dataOf(token);
    if (!isOfChange(token) && !isInvalidate(token) && !data.matches(".{18}" + HIGH_WATER_MARK)) {
      throw new MongoServerError(280, "ChangeStreamFatalError", "no resume token of this server");
    }
    return Long.parseUnsignedLong(data.substring(2, 18), 16);
  }
}
