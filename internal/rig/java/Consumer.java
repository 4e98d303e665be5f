import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A consumer as applications write them, driven by lines.
 *
 * Arguments: key=value, consumer settings and four of our own: rig.topics (a,b,c),
 * rig.limit (records to deliver before it pauses; -1 is no limit),
 * rig.commit.every (0 is on command only), rig.metadata.
 *
 * Input lines: commit | limit N | close (leaves the group) | nothing more.
 * Output lines, fields separated by tabs:
 *   assigned  TOPIC PARTITION            one a partition
 *   position  TOPIC PARTITION OFFSET     where it resumes, one a partition assigned
 *   revoked   TOPIC PARTITION
 *   record    TOPIC PARTITION OFFSET KEY VALUE    CRC-32 in hex, - for null
 *   committed TOPIC PARTITION OFFSET
 *   done      COMMAND                    the command's effects are over
 *   error     TEXT
 */
public final class Consumer {
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final BlockingQueue<String> commands = new LinkedBlockingQueue<>();
    private final Map<TopicPartition, OffsetAndMetadata> delivered = new HashMap<>();
    private final int commitEvery;
    private final String metadata;
    private long limit;
    private long sinceCommit;

    public static void main(String[] args) {
        Properties config = new Properties();
        config.put("key.deserializer", ByteArrayDeserializer.class.getName());
        config.put("value.deserializer", ByteArrayDeserializer.class.getName());
        config.put("enable.auto.commit", "false");
        for (String arg : args) {
            int at = arg.indexOf('=');
            config.put(arg.substring(0, at), arg.substring(at + 1));
        }
        try {
            new Consumer(config).run();
        } catch (Throwable e) {
            say("error", e.toString());
            e.printStackTrace();
            System.exit(1);
        }
        System.exit(0);
    }

    private Consumer(Properties config) {
        List<String> topics = List.of(((String) config.remove("rig.topics")).split(","));
        limit = Long.parseLong((String) config.remove("rig.limit"));
        commitEvery = Integer.parseInt((String) config.remove("rig.commit.every"));
        metadata = (String) config.remove("rig.metadata");
        consumer = new KafkaConsumer<>(config);
        consumer.subscribe(topics, new Rebalance());
    }

    private void run() throws Exception {
        Thread reader = new Thread(this::readCommands);
        reader.setDaemon(true);
        reader.start();
        while (true) {
            for (String c = commands.poll(); c != null; c = commands.poll()) {
                if (!obey(c)) {
                    return;
                }
            }
            deliver(consumer.poll(Duration.ofMillis(50)));
        }
    }

    /** The end of input is a close: a test that dies takes no group along. */
    private void readCommands() {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                commands.add(line);
            }
        } catch (Exception e) {
            e.printStackTrace();
        }
        commands.add("close");
    }

    private boolean obey(String command) {
        if (command.equals("commit")) {
            commit();
        } else if (command.startsWith("limit ")) {
            limit = Long.parseLong(command.substring(6));
            consumer.resume(consumer.assignment());
        } else if (command.equals("close")) {
            consumer.close();
            say("done", command);
            return false;
        } else {
            say("error", "unknown command " + command);
        }
        say("done", command);
        return true;
    }

    /** Exactly as many as the limit says: the rest of a poll is put back. */
    private void deliver(ConsumerRecords<byte[], byte[]> records) {
        for (TopicPartition tp : records.partitions()) {
            for (ConsumerRecord<byte[], byte[]> r : records.records(tp)) {
                if (limit == 0) {
                    consumer.seek(tp, r.offset());
                    break;
                }
                deliver(tp, r);
            }
        }
        if (limit == 0) {
            consumer.pause(consumer.assignment());
        }
        System.out.flush();
    }

    private void deliver(TopicPartition tp, ConsumerRecord<byte[], byte[]> r) {
        say("record", tp.topic(), tp.partition(), r.offset(), crc(r.key()), crc(r.value()));
        delivered.put(tp, new OffsetAndMetadata(r.offset() + 1, r.leaderEpoch(), metadata));
        if (limit > 0) {
            limit--;
        }
        if (commitEvery > 0 && ++sinceCommit >= commitEvery) {
            commit();
        }
    }

    private void commit() {
        sinceCommit = 0;
        if (delivered.isEmpty()) {
            return;
        }
        consumer.commitSync(delivered);
        delivered.forEach((tp, o) -> say("committed", tp.topic(), tp.partition(), o.offset()));
        delivered.clear();
    }

    private final class Rebalance implements ConsumerRebalanceListener {
        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            for (TopicPartition tp : partitions) {
                say("assigned", tp.topic(), tp.partition());
                say("position", tp.topic(), tp.partition(), consumer.position(tp));
            }
            System.out.flush();
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            for (TopicPartition tp : partitions) {
                delivered.remove(tp);
                say("revoked", tp.topic(), tp.partition());
            }
        }
    }

    private static String crc(byte[] b) {
        if (b == null) {
            return "-";
        }
        CRC32 crc = new CRC32();
        crc.update(b);
        return Long.toHexString(crc.getValue());
    }

    private static void say(Object... fields) {
        StringBuilder line = new StringBuilder();
        for (Object f : fields) {
            if (line.length() > 0) {
                line.append('\t');
            }
            line.append(f);
        }
        System.out.println(line);
    }
}
