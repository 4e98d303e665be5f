import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
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
 * Consumers as applications write them, driven by lines. One process holds as many as
 * one likes, each with a thread of its own: a JVM for each fits on no small machine.
 *
 * Arguments: one a consumer, key=value separated by tabs, consumer settings and five of
 * our own: rig.topics (a,b,c), rig.limit (records to deliver before it pauses; -1 is no
 * limit), rig.pause (milliseconds between polls), rig.commit.every (0 is on command
 * only), rig.metadata.
 *
 * All lines begin with the consumer's number, its place among the arguments, and a tab.
 * Input: commit | limit N | close (leaves the group) | leave (as an application that is
 * stopped: a commit of what was delivered, unless enable.auto.commit sees to it, and a
 * close). The end of input closes all.
 * Output, fields separated by tabs:
 *   assigned  TOPIC PARTITION            one a partition
 *   position  TOPIC PARTITION OFFSET     where it resumes, one a partition assigned
 *   revoked   TOPIC PARTITION
 *   record    TOPIC PARTITION OFFSET KEY VALUE    CRC-32 in hex, - for null
 *   committed TOPIC PARTITION OFFSET
 *   done      COMMAND                    the command's effects are over
 *   error     TEXT
 *   ended                                nothing more comes of it
 *
 * The process ends with the last of them.
 */
public final class Consumer implements Runnable {
    private final int number;
    private final Properties config = new Properties();
    private final BlockingQueue<String> commands = new LinkedBlockingQueue<>();
    private final Map<TopicPartition, OffsetAndMetadata> delivered = new HashMap<>();
    private final List<String> topics;
    private final int commitEvery;
    private final int pause;
    private final String metadata;
    private KafkaConsumer<byte[], byte[]> consumer;
    private long limit;
    private long sinceCommit;
    private volatile boolean failed;

    public static void main(String[] args) throws InterruptedException {
        System.setOut(new PrintStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16), false));
        List<Consumer> all = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (String arg : args) {
            all.add(new Consumer(all.size(), arg.split("\t")));
        }
        for (Consumer c : all) {
            threads.add(new Thread(c));
        }
        Thread reader = new Thread(() -> readCommands(all));
        reader.setDaemon(true);
        reader.start();
        threads.forEach(Thread::start);
        for (Thread t : threads) {
            t.join();
        }
        System.exit(all.stream().anyMatch(c -> c.failed) ? 1 : 0);
    }

    /** The end of input is a close: a test that dies takes no group along. */
    private static void readCommands(List<Consumer> all) {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] parts = line.split("\t", 2);
                all.get(Integer.parseInt(parts[0])).commands.add(parts[1]);
            }
        } catch (Exception e) {
            e.printStackTrace();
        }
        all.forEach(c -> c.commands.add("close"));
    }

    private Consumer(int number, String[] settings) {
        this.number = number;
        config.put("key.deserializer", ByteArrayDeserializer.class.getName());
        config.put("value.deserializer", ByteArrayDeserializer.class.getName());
        config.put("enable.auto.commit", "false");
        for (String setting : settings) {
            int at = setting.indexOf('=');
            config.put(setting.substring(0, at), setting.substring(at + 1));
        }
        topics = List.of(own("rig.topics").split(","));
        limit = Long.parseLong(own("rig.limit"));
        pause = Integer.parseInt(own("rig.pause"));
        commitEvery = Integer.parseInt(own("rig.commit.every"));
        metadata = own("rig.metadata");
    }

    private String own(String key) {
        return (String) config.remove(key);
    }

    @Override
    public void run() {
        try {
            consumer = new KafkaConsumer<>(config);
            consumer.subscribe(topics, new Rebalance());
            while (obey()) {
                deliver(consumer.poll(Duration.ofMillis(50)));
                Thread.sleep(pause);
            }
        } catch (Throwable e) {
            failed = true;
            say("error", e.toString());
            e.printStackTrace();
        }
        say("ended");
        System.out.flush();
    }

    private boolean obey() {
        for (String c = commands.poll(); c != null; c = commands.poll()) {
            if (!obey(c)) {
                return false;
            }
            System.out.flush();
        }
        return true;
    }

    private boolean obey(String command) {
        if (command.equals("commit")) {
            commit();
        } else if (command.startsWith("limit ")) {
            limit = Long.parseLong(command.substring(6));
            consumer.resume(consumer.assignment());
        } else if (command.equals("close") || command.equals("leave")) {
            if (command.equals("leave") && config.get("enable.auto.commit").equals("false")) {
                commit();
            }
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

    private void say(Object... fields) {
        StringBuilder line = new StringBuilder().append(number);
        for (Object f : fields) {
            line.append('\t').append(f);
        }
        System.out.println(line); // one call: lines of two threads do not mix
    }
}
