import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Share consumers (KIP-932), each the only member of its group: they accept whatever they
 * are given, until they are told to stop. Consumer.java says how they are talked to.
 *
 * Arguments: one a consumer, key=value separated by tabs, consumer settings and rig.topics.
 * Input: close (acknowledges what was delivered, and leaves). The end of input closes all.
 * Output: record, done, error, ended.
 */
public final class ShareGroup implements Runnable {
    private final int number;
    private final Properties config = new Properties();
    private volatile boolean closing;

    public static void main(String[] args) throws Exception {
        List<ShareGroup> all = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (String arg : args) {
            all.add(new ShareGroup(all.size(), arg.split("\t")));
            threads.add(new Thread(all.get(all.size() - 1)));
        }
        threads.forEach(Thread::start);
        Thread reader = new Thread(() -> readCommands(all));
        reader.setDaemon(true);
        reader.start();
        for (Thread t : threads) {
            t.join();
        }
        System.exit(0);
    }

    private static void readCommands(List<ShareGroup> all) {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in))) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] parts = line.split("\t", 2);
                if (parts[1].equals("close")) {
                    all.get(Integer.parseInt(parts[0])).closing = true;
                } else {
                    System.out.println(parts[0] + "\terror\tunknown command " + parts[1]);
                }
            }
        } catch (Exception e) {
            e.printStackTrace();
        }
        all.forEach(c -> c.closing = true);
    }

    private ShareGroup(int number, String[] settings) {
        this.number = number;
        config.put("key.deserializer", ByteArrayDeserializer.class.getName());
        config.put("value.deserializer", ByteArrayDeserializer.class.getName());
        for (String setting : settings) {
            int at = setting.indexOf('=');
            config.put(setting.substring(0, at), setting.substring(at + 1));
        }
    }

    @Override
    public void run() {
        String topics = (String) config.remove("rig.topics");
        try (KafkaShareConsumer<byte[], byte[]> consumer = new KafkaShareConsumer<>(config)) {
            consumer.subscribe(List.of(topics.split(",")));
            while (!closing) {
                deliver(consumer.poll(Duration.ofMillis(50))); // acknowledges what the poll before it brought
            }
            consumer.commitSync();
        } catch (Throwable e) {
            say("error", e.toString());
            e.printStackTrace();
        }
        say("done", "close");
        say("ended");
    }

    private void deliver(ConsumerRecords<byte[], byte[]> records) {
        for (ConsumerRecord<byte[], byte[]> r : records) {
            say("record", r.topic(), r.partition(), r.offset(), crc(r.key()), crc(r.value()));
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
        System.out.println(line);
        System.out.flush();
    }
}
