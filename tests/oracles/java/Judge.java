import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Asks Java's own path validator, CertPathValidator "PKIX", what it makes of a chain: one JSON request a line, one answer a line, as the
 * Go judge does it. A request is {"oracle":"java-pkix","roots","intermediates","leaf","usage":"any|server|client"}, all PEM.
 */
public final class Judge {
    private static final Pattern MEMBER = Pattern.compile("\"(\\w+)\":\"((?:[^\"\\\\]++|\\\\.)*+)\"");
    private static final Set<String> KNOWN = Set.of("oracle", "roots", "intermediates", "leaf", "usage");
    private static final Map<String, String> PURPOSES = Map.of("server", "1.3.6.1.5.5.7.3.1", "client", "1.3.6.1.5.5.7.3.2");

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String reason = "";
            boolean fault = false;
            try {
                judge(request(line));
            } catch (CertPathValidatorException | CertificateException e) {
                reason = String.valueOf(e.getMessage()) + " ";
            } catch (Exception e) {
                reason = e + " ";
                fault = true;
            }
            String text = reason.strip().replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\s+", " ");
            out.println("{\"ok\":" + reason.isEmpty() + ",\"fault\":" + fault + ",\"reason\":\"" + text + "\"}");
        }
    }

    private static Map<String, String> request(String line) {
        Map<String, String> members = new HashMap<>();
        for (Matcher matcher = MEMBER.matcher(line); matcher.find(); ) {
            members.put(matcher.group(1), matcher.group(2).replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\"));
        }
        if (!KNOWN.containsAll(members.keySet()) || !"java-pkix".equals(members.get("oracle"))) {
            throw new IllegalArgumentException("not a request that is understood: " + members.keySet());
        }
        return members;
    }

    private static void judge(Map<String, String> request) throws GeneralSecurityException, IOException {
        Set<TrustAnchor> anchors = new HashSet<>();
        for (Certificate root : certificates(request, "roots")) {
            anchors.add(new TrustAnchor((X509Certificate) root, null));
        }
        List<Certificate> chain = new ArrayList<>(certificates(request, "leaf"));
        if (anchors.isEmpty() || chain.size() != 1) {
            throw new IllegalArgumentException("a request has roots and one leaf");
        }
        chain.addAll(certificates(request, "intermediates"));
        PKIXParameters parameters = new PKIXParameters(anchors);
        parameters.setRevocationEnabled(false);
        String usage = request.getOrDefault("usage", "any");
        if (!usage.equals("any")) {
            String purpose = PURPOSES.get(usage);
            if (purpose == null) {
                throw new IllegalArgumentException("usage: " + usage);
            }
            X509CertSelector leaf = new X509CertSelector();
            leaf.setExtendedKeyUsage(Set.of(purpose));
            leaf.setKeyUsage(new boolean[] {true});
            parameters.setTargetCertConstraints(leaf);
        }
        CertPath path = CertificateFactory.getInstance("X.509").generateCertPath(chain);
        CertPathValidator.getInstance("PKIX").validate(path, parameters);
    }

    private static List<Certificate> certificates(Map<String, String> request, String member) throws CertificateException {
        byte[] text = request.getOrDefault(member, "").getBytes(StandardCharsets.UTF_8);
        return new ArrayList<>(CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(text)));
    }
}
