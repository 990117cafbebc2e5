using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Sidecar.Protocol.Grpc;

/// <summary>Whom to trust, and in which words a certificate is refused.</summary>
public static class CertificateCheck
{
    /// <summary>Trusts these issuers only; null for those of the system. Nothing is fetched over the network.</summary>
    public static X509ChainPolicy PolicyOf(X509Certificate2Collection? authorities)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (authorities is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(authorities);
        }

        return policy;
    }

    /// <summary>What is wrong with a peer's certificate; null when nothing is.</summary>
    /// <param name="certificate">The certificate; null when the peer sent none.</param>
    /// <param name="chain">How it was checked.</param>
    /// <param name="errors">What was found.</param>
    /// <param name="name">The name it must be for; null when any will do.</param>
    /// <param name="trusted">Who is trusted, in words.</param>
    public static string? Problem(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, string? name, string trusted)
    {
        if (errors == SslPolicyErrors.None)
        {
            return null;
        }

        if (certificate is not X509Certificate2 shown)
        {
            return "it shows no certificate";
        }

        var statuses = chain?.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, static (all, status) => all | status.Status)
            ?? X509ChainStatusFlags.NoError;
        return 0 switch
        {
            _ when statuses.HasFlag(X509ChainStatusFlags.NotTimeValid) => chain!.ChainElements.Select(static element => element.Certificate)
                .Prepend(shown).Select(ValidityProblem).FirstOrDefault(static problem => problem is not null)
                    ?? "a certificate of its chain is not valid now",
            _ when (statuses & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0 =>
                $"its certificate '{shown.Subject}' was issued by '{shown.Issuer}', who is none of {trusted}",
            _ when statuses != X509ChainStatusFlags.NoError => $"its certificate '{shown.Subject}' is not accepted: {statuses}",
            _ => $"its certificate is for {NamesOf(shown)}, not for {name ?? "the name asked for"}",
        };
    }

    private static string? ValidityProblem(X509Certificate2 certificate)
    {
        var now = TimeProvider.System.GetLocalNow().DateTime;
        var subject = $"the certificate '{certificate.Subject}'";
        return now > certificate.NotAfter ? string.Create(CultureInfo.InvariantCulture, $"{subject} expired on {certificate.NotAfter:u}")
            : now >= certificate.NotBefore ? null
            : string.Create(CultureInfo.InvariantCulture, $"{subject} is not valid before {certificate.NotBefore:u}");
    }

    private static string NamesOf(X509Certificate2 certificate)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>()
            .SelectMany(static names => names.EnumerateDnsNames()
                .Concat(names.EnumerateIPAddresses().Select(static address => address.ToString())))
            .Take(8).ToList();
        return names.Count > 0 ? string.Join(", ", names) : $"'{certificate.Subject}'";
    }
}
