using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Sidecar.Protocol.Grpc;

namespace Sidecar.Protocol.Sdk;

/// <summary>
/// TLS of an agent that serves gRPC. Files that have changed are read again for the next connection; broken ones leave what was there.
/// </summary>
internal sealed class ServerTls
{
    private readonly Lock _gate = new();
    private readonly GrpcAgentTls _files;
    private readonly ILogger _logger;
    private Loaded _loaded;

    /// <summary>Reads the files.</summary>
    /// <exception cref="InvalidDataException">One cannot be used.</exception>
    public ServerTls(GrpcAgentTls files, ILogger logger)
    {
        (_files, _logger) = (files, logger);
        _loaded = Load(VersionOf(files));
    }

    /// <summary>Has an endpoint speak TLS, HTTP/2 by ALPN.</summary>
    public void ApplyTo(ListenOptions listen) => Microsoft.AspNetCore.Hosting.ListenOptionsHttpsExtensions.UseHttps(
        listen, new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(OptionsOf(Current())) });

    private SslServerAuthenticationOptions OptionsOf(Loaded loaded) => new()
    {
        ServerCertificateContext = loaded.Identity,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        ClientCertificateRequired = loaded.Clients is not null,
        CertificateChainPolicy = loaded.Clients is null ? null : CertificateCheck.PolicyOf(loaded.Clients),
        RemoteCertificateValidationCallback = loaded.Clients is null
            ? null
            : (_, certificate, chain, errors) => IsAccepted(certificate, chain, errors),
    };

    private bool IsAccepted(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        // Clients have no name that we could expect.
        if (
            CertificateCheck.Problem(
                certificate, chain, errors & ~SslPolicyErrors.RemoteCertificateNameMismatch, null, _files.ClientCaPath!) is not { } problem)
        {
            return true;
        }

        Log.ClientRefused(_logger, problem);
        return false;
    }

    private Loaded Current()
    {
        lock (_gate)
        {
            var version = VersionOf(_files);
            if (version == _loaded.Version)
            {
                return _loaded;
            }

            try
            {
                _loaded = Load(version);
            }
            catch (InvalidDataException e)
            {
                // Perhaps half of the files are replaced; the next connection looks again.
                Log.CertificatesKept(_logger, e.Message);
            }

            return _loaded;
        }
    }

    private Loaded Load(string version) =>
        new(
            version,
            TlsFiles.LoadIdentity(_files.CertificatePath, _files.KeyPath),
            _files.ClientCaPath is { } path ? TlsFiles.LoadAuthorities(path) : null);

    private static string VersionOf(GrpcAgentTls files) =>
        string.Join('|', new[] { files.CertificatePath, files.KeyPath, files.ClientCaPath }
            .OfType<string>().Select(static path => File.GetLastWriteTimeUtc(path).Ticks));

    private sealed record Loaded(string Version, SslStreamCertificateContext Identity, X509Certificate2Collection? Clients);
}
