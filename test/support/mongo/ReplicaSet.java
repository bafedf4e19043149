import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.Cursor;
import de.bwaldvogel.mongo.backend.aggregation.Aggregation;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.bson.BsonTimestamp;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import de.bwaldvogel.mongo.oplog.Oplog;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A one-node replica set for tests: mongo-java-server with change streams. In memory only; no transactions, no
 * authentication, no sharding. Three commands are for tests: `replSetStepDown`, after which the same node is elected
 * again, `expireImages`, after which documents before and after the changes so far are unknown, and `lastFind`, which
 * tells how the last `find` of a collection was to be read. Usage: ReplicaSet PORT; 0 takes a free one. Prints its URI
 * when it serves.
 */
public final class ReplicaSet extends MemoryBackend {
  /** What it tells; from 7 on, change streams may split large events. */
  private static final int MAJOR_VERSION = Integer.getInteger("server.version", 5);
  private static final boolean OPLOG_IS_READABLE = Boolean.getBoolean("oplog.readable");

  /** Collections that keep documents as they were before a change. */
  private final Set<String> preImages = ConcurrentHashMap.newKeySet();
  /** The read preference and the read concern of the last `find` of each collection. */
  private final Map<String, Document> finds = new ConcurrentHashMap<>();
  private final ChangeLog log = new ChangeLog();
  private final ChangeStreams streams = new ChangeStreams(log, this::find);
  private final Election election = new Election(log, streams);
  private String address;

  private ReplicaSet() {
    version(new MongoVersion() {
      @Override public List<Integer> getVersionArray() {
        return List.of(MAJOR_VERSION, 0, 0);
      }

      @Override public int getWireVersion() {
        return 13;
      }
    });
  }

  public static void main(String[] arguments) throws Exception {
    ReplicaSet backend = new ReplicaSet();
    MongoServer server = new MongoServer(backend);
    server.enableOplog();
    int port = Integer.parseInt(arguments[0]);
    // An event loop per connection: a getMore blocks its own.
    server.bind(new InetSocketAddress("127.0.0.1", port), 1, 64);
    backend.address = "127.0.0.1:" + server.getLocalAddress().getPort();
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    System.out.println("READY mongodb://" + backend.address + "/?replicaSet=rs0");
    Thread.currentThread().join();
  }

  @Override protected Oplog createOplog() {
    return new Oplog() {
      @Override public void handleInsert(String namespace, List<Document> documents) {
        for (Document document : documents) note(namespace, document.get("_id"), false);
      }

      @Override public void handleUpdate(String namespace, Document selector, Document query, List<Object> ids) {
        for (Object id : ids) note(namespace, id, isReplacement(query));
      }

      @Override public void handleDelete(String namespace, Document query, List<Object> ids) {
        for (Object id : ids) note(namespace, id, false);
      }

      @Override public void handleDropCollection(String namespace) {
        if (!isInternal(namespace)) log.noteDrop(ChangeLog.databaseOf(namespace), ChangeLog.collectionOf(namespace));
      }

      @Override public Cursor createCursor(Document stage, String namespace, Aggregation aggregation) {
        throw new MongoServerError(40573, "change streams are opened by handleCommand");
      }
    };
  }

  @Override public Document handleCommand(Channel channel, String database, String command, Document query) {
    if (query.containsKey("startTransaction") || Boolean.FALSE.equals(query.get("autocommit"))) {
      throw new MongoServerError(263, "OperationNotSupportedInTransaction", "this test server has no transactions");
    }
    election.heard(channel);
    if (election.isOn() && !Election.ANSWERED.contains(command.toLowerCase(Locale.ROOT))) return Election.refusal(query);
    Document own = handleOwn(channel, database, command, query);
    return withTime(own != null ? own : handleOther(channel, database, command, query));
  }

  /** What mongo-java-server does not know. @return null if it does */
  private Document handleOwn(Channel channel, String database, String command, Document query) {
    switch (command.toLowerCase(Locale.ROOT)) {
      case "hello":
      case "ismaster":
        return hello(super.handleCommand(channel, database, "ismaster", query));
      case "replsetstepdown":
        return election.begin(((Number) query.get(command)).longValue(), Boolean.TRUE.equals(query.get("closeConnections")));
      case "expireimages":
        log.expireImages();
        return new Document();
      case "lastfind":
        return finds.get(database + "." + query.get(command)).clone();
      case "startsession":
        return new Document("id", new Document("id", UUID.randomUUID())).append("timeoutMinutes", 30);
      case "endsessions":
      case "refreshsessions":
        return new Document();
      case "aggregate":
        List<Document> pipeline = query.get("pipeline") == null ? List.of() : Aggregation.parse(query.get("pipeline"));
        if (pipeline.isEmpty() || !pipeline.get(0).containsKey("$changeStream")) return null;
        for (Document stage : pipeline.subList(1, pipeline.size())) {
          if (MAJOR_VERSION >= 7 && stage.containsKey("$changeStreamSplitLargeEvent")) continue;
          throw new MongoServerError(40324, "Unrecognized pipeline stage name: " + stage.keySet());
        }
        return streams.open(database, (String) query.get(command), query, pipeline);
      case "find":
        Document reads = new Document();
        for (String name : List.of("$readPreference", "readConcern")) {
          if (query.containsKey(name)) reads.append(name, query.get(name));
        }
        finds.put(database + "." + query.get(command), reads);
        // Of the oplog only its oldest entry, and of that only the time.
        if (!OPLOG_IS_READABLE || !database.equals("local") || !"oplog.rs".equals(query.get(command))) return null;
        Document oldest = new Document("ts", new BsonTimestamp(log.oldest()));
        return new Document(
            "cursor", new Document("id", 0L).append("ns", "local.oplog.rs").append("firstBatch", List.of(oldest)));
      case "getmore":
        return streams.has(query.get(command)) ? streams.more((long) query.get(command), query) : null;
      case "killcursors":
        List<Object> killed = new ArrayList<>();
        for (Object id : (Collection<?>) query.get("cursors")) {
          if (streams.kill(((Number) id).longValue())) killed.add(id);
        }
        if (killed.isEmpty()) return null;
        return new Document("cursorsKilled", killed)
            .append("cursorsNotFound", List.of())
            .append("cursorsAlive", List.of())
            .append("cursorsUnknown", List.of());
      default:
        return null;
    }
  }

  /** What it knows, but does not tell its oplog. */
  private Document handleOther(Channel channel, String database, String command, Document query) {
    Document reply = super.handleCommand(channel, database, command, query);
    switch (command.toLowerCase(Locale.ROOT)) {
      case "findandmodify":
        Document outcome = (Document) reply.get("lastErrorObject");
        Object id = outcome == null ? null : outcome.get("upserted");
        if (id == null && reply.get("value") instanceof Document document) id = document.get("_id");
        boolean isReplace = query.get("update") instanceof Document update && isReplacement(update);
        if (id != null) note(database + "." + query.get(command), id, isReplace);
        break;
      case "create":
        if (query.get("changeStreamPreAndPostImages") instanceof Document images && Boolean.TRUE.equals(images.get("enabled"))) {
          preImages.add(database + "." + query.get(command));
        }
        break;
      case "listcollections":
        for (Object found : (Collection<?>) ((Document) reply.get("cursor")).get("firstBatch")) {
          if (!preImages.contains(database + "." + ((Document) found).get("name"))) continue;
          Document options = new Document("changeStreamPreAndPostImages", new Document("enabled", true));
          ((Document) found).put("options", options);
        }
        break;
      case "renamecollection":
        log.noteRename((String) query.get(command), (String) query.get("to"));
        break;
      default:
        break;
    }
    return reply;
  }

  private Document hello(Document reply) {
    reply.putAll(
        new Document("helloOk", true)
            .append("setName", "rs0")
            .append("setVersion", 1)
            .append("hosts", List.of(address))
            .append("me", address)
            .append("logicalSessionTimeoutMinutes", 30)
            .append("connectionId", 1));
    election.tell(reply, address);
    return reply;
  }

  private Document withTime(Document reply) {
    if (reply == null) return null;
    reply.putIfAbsent("ok", 1.0);
    reply.put("operationTime", new BsonTimestamp(log.now()));
    return reply;
  }

  private void note(String namespace, Object id, boolean isReplace) {
    if (isInternal(namespace)) return;
    String database = ChangeLog.databaseOf(namespace);
    String collection = ChangeLog.collectionOf(namespace);
    log.note(database, collection, id, find(database, collection, id), isReplace);
  }

  private Document find(String database, String collection, Object id) {
    MongoCollection<?> found = resolveDatabase(database).resolveCollection(collection, false);
    if (found == null) return null;
    for (Document document : found.handleQuery(new Document("_id", id))) return document.cloneDeeply();
    return null;
  }

  private static boolean isReplacement(Document update) {
    return update.keySet().stream().noneMatch(name -> name.startsWith("$"));
  }

  private static boolean isInternal(String namespace) {
    String database = ChangeLog.databaseOf(namespace);
    return List.of("local", "admin", "config").contains(database)
        || ChangeLog.collectionOf(namespace).startsWith("system.");
  }
}
