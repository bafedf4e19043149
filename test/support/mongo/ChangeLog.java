import de.bwaldvogel.mongo.bson.Document;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What change streams read: every change since the start, in order, up to a bound. A copy of each document as it was
 * last seen tells what a write changed.
 */
final class ChangeLog {
  /** Older entries are dropped, as an oplog does. */
  private static final int KEEP = Integer.getInteger("oplog.keep", 200_000);

  static final class Entry {
    final long time;
    final String type;
    final String database;
    final String collection;
    final Instant wallTime = Instant.now();
    Object id;
    /** Of inserts and replaces. */
    Document full;
    Document before;
    Document after;
    /** Of updates: updatedFields, removedFields, truncatedArrays. */
    Document update;
    /** Of renames: db and coll. */
    Document to;

    Entry(long time, String type, String database, String collection) {
      this.time = time;
      this.type = type;
      this.database = database;
      this.collection = collection;
    }
  }

  private final ArrayList<Entry> entries = new ArrayList<>();
  private final Map<String, Map<Object, Document>> copies = new HashMap<>();
  private int first = 0;
  private long lastTime = 0;
  private long droppedTime;

  ChangeLog() {
    droppedTime = tick() - 1;
  }

  /** Seconds in the upper half, an increment in the lower one: the time of an operation, above all before it. */
  private long tick() {
    long now = (System.currentTimeMillis() / 1000) << 32;
    lastTime = Math.max(now | 1, lastTime + 1);
    return lastTime;
  }

  synchronized long now() {
    return lastTime;
  }

  /** The time from which on everything is still there. */
  synchronized long oldest() {
    return droppedTime + 1;
  }

  /** Whether everything after this time is still there. */
  synchronized boolean reaches(long time) {
    return time >= droppedTime;
  }

  /** Index of the first entry after a time. */
  synchronized int indexAfter(long time) {
    int low = first;
    int high = entries.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (entries.get(middle).time > time) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  synchronized int size() {
    return entries.size();
  }

  synchronized Entry get(int index) {
    return entries.get(index);
  }

  /** Waits until there is something after a time, at most so long. */
  synchronized void await(long time, long milliseconds) throws InterruptedException {
    if (indexAfter(time) >= entries.size()) wait(milliseconds);
  }

  synchronized void wakeAll() {
    notifyAll();
  }

  /** Notes what a write did to a document, of which `after` is the present state; null if it is gone. */
  synchronized void note(String database, String collection, Object id, Document after, boolean isReplace) {
    Map<Object, Document> known = copies.computeIfAbsent(database + "." + collection, name -> new HashMap<>());
    Document before = known.get(id);
    if (after == null) {
      if (known.remove(id) != null) add("delete", database, collection, id).before = before;
      return;
    }
    if (before != null && before.toString().equals(after.toString())) return;
    known.put(id, after);
    if (before == null) {
      add("insert", database, collection, id).full = after;
      return;
    }
    Entry entry = add(isReplace ? "replace" : "update", database, collection, id);
    entry.before = before;
    entry.after = after;
    if (isReplace) entry.full = after;
    else entry.update = Difference.of(before, after);
  }

  /** Forgets documents before and after the changes so far. */
  synchronized void expireImages() {
    for (Entry entry : entries) {
      if (entry != null) entry.before = entry.after = null;
    }
  }

  synchronized void noteDrop(String database, String collection) {
    copies.remove(database + "." + collection);
    add("drop", database, collection, null);
  }

  synchronized void noteRename(String from, String to) {
    Map<Object, Document> documents = copies.remove(from);
    if (documents != null) copies.put(to, documents);
    Entry entry = add("rename", databaseOf(from), collectionOf(from), null);
    entry.to = new Document("db", databaseOf(to)).append("coll", collectionOf(to));
  }

  private Entry add(String type, String database, String collection, Object id) {
    Entry entry = new Entry(tick(), type, database, collection);
    entry.id = id;
    entries.add(entry);
    if (entries.size() - first > KEEP) {
      droppedTime = entries.get(first).time;
      entries.set(first++, null);
      if (first > KEEP) {
        entries.subList(0, first).clear();
        first = 0;
      }
    }
    notifyAll();
    return entry;
  }

  static String databaseOf(String namespace) {
    return namespace.substring(0, namespace.indexOf('.'));
  }

  static String collectionOf(String namespace) {
    return namespace.substring(namespace.indexOf('.') + 1);
  }

  /** The updateDescription of a change event. */
  private static final class Difference {
    private final Document updated = new Document();
    private final List<Object> removed = new ArrayList<>();

    static Document of(Document before, Document after) {
      Difference difference = new Difference();
      difference.compare("", before, after);
      return new Document("updatedFields", difference.updated)
          .append("removedFields", difference.removed)
          .append("truncatedArrays", new ArrayList<>());
    }

    private void compare(String prefix, Document before, Document after) {
      for (String name : before.keySet()) if (!after.containsKey(name)) removed.add(prefix + name);
      for (Map.Entry<String, Object> field : after.entrySet()) {
        String name = field.getKey();
        Object old = before.get(name);
        Object present = field.getValue();
        if (before.containsKey(name) && same(old, present)) continue;
        if (old instanceof Document a && present instanceof Document b) compare(prefix + name + ".", a, b);
        else updated.put(prefix + name, present);
      }
    }

    private static boolean same(Object a, Object b) {
      return a == null ? b == null : b != null && a.getClass() == b.getClass() && a.toString().equals(b.toString());
    }
  }
}
