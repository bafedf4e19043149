import de.bwaldvogel.mongo.bson.BsonTimestamp;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Cursors of change streams on one collection each. Events and tokens are shaped as mongod's. */
final class ChangeStreams {
  /** Looks a document up as it is now. */
  interface Lookup {
    Document find(String database, String collection, Object id);
  }

  private static final class Stream {
    final long id;
    final String database;
    final String collection;
    final Document stage;
    /** Time of the last entry that was looked at. */
    long time;
    boolean isInvalidated;

    Stream(long id, String database, String collection, Document stage) {
      this.id = id;
      this.database = database;
      this.collection = collection;
      this.stage = stage;
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
  Document open(String database, String collection, Document query, Document stage) {
    Stream stream = new Stream(ids.incrementAndGet(), database, collection, stage);
    Document resumeAfter = (Document) stage.get("resumeAfter");
    Document startAfter = (Document) stage.get("startAfter");
    if (resumeAfter != null && String.valueOf(resumeAfter.get("_data")).endsWith("01")) {
      throw new MongoServerError(260, "InvalidResumeToken", "resumeAfter an invalidate event is not possible");
    }
    Document token = resumeAfter != null ? resumeAfter : startAfter;
    if (token != null) stream.time = timeOf(token);
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
    int size = query.get("batchSize") instanceof Number number && number.intValue() > 0 ? number.intValue() : 1000;
    long wait = query.get("maxTimeMS") instanceof Number number ? number.longValue() : 1000;
    long deadline = System.nanoTime() + wait * 1_000_000;
    List<Document> batch = next(stream, size);
    while (batch.isEmpty() && !stream.isInvalidated && streams.containsKey(id)) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left <= 0) break;
      try {
        log.await(stream.time, left);
      } catch (InterruptedException interrupted) {
        break;
      }
      batch = next(stream, size);
    }
    if (stream.isInvalidated) streams.remove(id);
    return answer(stream, "nextBatch", batch);
  }

  /** @return whether it was a change stream */
  boolean kill(long id) {
    boolean isKilled = streams.remove(id) != null;
    if (isKilled) log.wakeAll();
    return isKilled;
  }

  private List<Document> next(Stream stream, int size) {
    List<ChangeLog.Entry> entries = new ArrayList<>();
    synchronized (log) {
      int index = log.indexAfter(stream.time);
      for (; index < log.size() && entries.size() < size && !stream.isInvalidated; index++) {
        ChangeLog.Entry entry = log.get(index);
        stream.time = entry.time;
        if (!stream.database.equals(entry.database) || !stream.collection.equals(entry.collection)) continue;
        entries.add(entry);
        stream.isInvalidated = entry.type.equals("drop") || entry.type.equals("rename");
      }
      if (index == log.size() && !stream.isInvalidated) stream.time = log.now();
    }
    // Looking documents up takes the collection's lock, which a writer holds while it waits for the log's.
    List<Document> events = new ArrayList<>();
    for (ChangeLog.Entry entry : entries) events.add(event(stream, entry));
    if (stream.isInvalidated && !entries.isEmpty()) events.add(invalidate(entries.get(entries.size() - 1)));
    return events;
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
      event.append("fullDocument", entry.after);
    }
    event.append("ns", new Document("db", entry.database).append("coll", entry.collection));
    if (entry.to != null) event.append("to", entry.to);
    if (entry.id != null) event.append("documentKey", new Document("_id", entry.id));
    if (entry.update != null) event.append("updateDescription", entry.update.cloneDeeply());
    if (before != null && !"off".equals(before) && entry.before != null) {
      event.append("fullDocumentBeforeChange", entry.before);
    }
    return event;
  }

  private static Document answer(Stream stream, String name, List<Document> batch) {
    Document cursor = new Document(name, batch)
        .append("postBatchResumeToken", token(stream.time, stream.isInvalidated))
        .append("id", stream.isInvalidated ? 0L : stream.id)
        .append("ns", stream.database + "." + stream.collection);
    return new Document("cursor", cursor);
  }

  private static Document token(long time, boolean isInvalidate) {
    return new Document("_data", String.format("82%016X%s", time, isInvalidate ? "01" : "00"));
  }

  private static long timeOf(Document token) {
    String data = String.valueOf(token.get("_data"));
    if (data.length() != 20) throw new MongoServerError(280, "ChangeStreamFatalError", "no resume token of this server");
    return Long.parseUnsignedLong(data.substring(2, 18), 16);
  }
}
