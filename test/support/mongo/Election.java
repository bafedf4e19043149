import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.bson.ObjectId;
import io.netty.channel.Channel;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * An election as clients see it: the primary steps down, interrupts what it does, refuses all commands for a while, and
 * is elected again. What cursors there were is gone, as on another node.
 */
final class Election {
  /** Commands that a secondary answers as well. */
  static final Set<String> ANSWERED = Set.of("hello", "ismaster", "ping", "endsessions", "buildinfo");

  private final ChangeLog log;
  private final ChangeStreams streams;
  private final Set<Channel> channels = ConcurrentHashMap.newKeySet();
  private volatile long endNanos = System.nanoTime();
  private volatile int term = 1;

  Election(ChangeLog log, ChangeStreams streams) {
    this.log = log;
    this.streams = streams;
  }

  /** Notes a connection, to close it at an election. */
  void heard(Channel channel) {
    if (channels.add(channel)) channel.closeFuture().addListener(closed -> channels.remove(channel));
  }

  Document begin(long milliseconds, boolean closesConnections) {
    term++;
    endNanos = System.nanoTime() + milliseconds * 1_000_000;
    streams.interrupt();
    if (closesConnections) for (Channel channel : channels) channel.close();
    return new Document();
  }

  boolean isOn() {
    return System.nanoTime() < endNanos;
  }

  /** Adds to the answer to `hello` who the primary is. */
  void tell(Document hello, String address) {
    hello.put("isWritablePrimary", !isOn());
    hello.put("ismaster", !isOn());
    hello.put("secondary", isOn());
    if (isOn()) return;
    hello.put("primary", address);
    hello.put("electionId", new ObjectId(ByteBuffer.allocate(12).putInt(8, term).array()));
  }

  /** What a node answers that is no primary. */
  static Document refusal(Document query) {
    boolean isWrite = query.containsKey("txnNumber");
    return new Document("ok", 0.0)
        .append("errmsg", "not primary")
        .append("code", 10107)
        .append("codeName", "NotWritablePrimary")
        .append("errorLabels", List.of(isWrite ? "RetryableWriteError" : "ResumableChangeStreamError"));
  }
}
