using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sidecar.Protocol.Grpc;

/// <summary>Certificates and keys from PEM files. Every error names the file and what to do.</summary>
public static class TlsFiles
{
    /// <summary>A certificate with its key; certificates of issuers that follow the first in the file are sent along.</summary>
    /// <param name="certificatePath">The certificate, PEM.</param>
    /// <param name="keyPath">The private key, PEM.</param>
    /// <exception cref="InvalidDataException">A file cannot be read, or the key is another certificate's.</exception>
    public static SslStreamCertificateContext LoadIdentity(string certificatePath, string keyPath)
    {
        try
        {
            var leaf = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
            var all = new X509Certificate2Collection();
            all.ImportFromPemFile(certificatePath);
            var issuers = new X509Certificate2Collection(all.Skip(1).ToArray());

            // Offline: nothing is fetched over the network while somebody waits for a connection.
            return SslStreamCertificateContext.Create(leaf, issuers, offline: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new InvalidDataException(
                $"certificate {certificatePath} with key {keyPath} cannot be used: {e.Message}; give PEM files of one certificate and " +
                "its key",
                e);
        }
    }

    /// <summary>The certificates of those who are trusted to issue others.</summary>
    /// <exception cref="InvalidDataException">The file cannot be read, or holds no certificate.</exception>
    public static X509Certificate2Collection LoadAuthorities(string path)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(path);
            return authorities.Count > 0
                ? authorities
                : throw new InvalidDataException($"{path} holds no certificate; give a PEM file of the issuer's");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new InvalidDataException($"the issuers' certificates in {path} cannot be read: {e.Message}", e);
        }
    }
}
