using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sidecar.Tests.Support;

/// <summary>An issuer and the certificates that it issues, as PEM files in a test's directory.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly TempDirectory _directory;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _issuer;
    private readonly string _name;
    private int _serial;

    public TestCertificates(TempDirectory directory, string name)
    {
        (_directory, _name) = (directory, name);
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        var now = TimeProvider.System.GetUtcNow();
        _issuer = request.CreateSelfSigned(now.AddYears(-2), now.AddYears(2));
        Authority = Write($"{name}-ca.pem", _issuer.ExportCertificatePem());
    }

    /// <summary>The issuer's certificate.</summary>
    public string Authority { get; }

    /// <summary>A certificate with its key.</summary>
    /// <param name="host">Whom it is for.</param>
    /// <param name="isExpired">Whether it was valid only in the past.</param>
    public (string Certificate, string Key) Issue(string host, bool isExpired = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(host, out var address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        var number = ++_serial;
        using var issued = request.Create(_issuer, now.AddYears(-1), isExpired ? now.AddDays(-1) : now.AddYears(1), [(byte)number]);
        return (Write($"{_name}-{number}.pem", issued.ExportCertificatePem()), Write($"{_name}-{number}.key", key.ExportPkcs8PrivateKeyPem()));
    }

    public void Dispose()
    {
        _issuer.Dispose();
        _key.Dispose();
    }

    private string Write(string name, string pem)
    {
        var path = _directory.File(name);
        File.WriteAllText(path, pem);
        return path;
    }
}
