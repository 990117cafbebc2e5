using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Grpc;

namespace Sidecar.Daemon.Connections;

/// <summary>The TLS of one dial: its settings, read from the files as they are now, and what went wrong in words.</summary>
internal sealed class TlsAttempt
{
    private readonly TlsOptions _options;
    private readonly string _name;
    private string? _problem;
    private bool _accepted;
    private bool _askedInVain;

    /// <summary>Reads the files.</summary>
    /// <param name="options">What the operator wrote.</param>
    /// <param name="host">The endpoint's host.</param>
    /// <exception cref="InvalidDataException">A file cannot be used.</exception>
    public TlsAttempt(TlsOptions options, string host)
    {
        _options = options;
        _name = options.ServerName ?? host;
        Settings = new SslClientAuthenticationOptions
        {
            TargetHost = _name,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            CertificateChainPolicy = CertificateCheck.PolicyOf(options.Authorities is { } path ? TlsFiles.LoadAuthorities(path) : null),
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) => IsAccepted(certificate, chain, errors),
        };
        if (options.Certificate is { } own)
        {
            Settings.ClientCertificateContext = TlsFiles.LoadIdentity(own, options.Key ?? own);
        }
        else
        {
            Settings.LocalCertificateSelectionCallback = (_, _, _, remote, _) => SelectNone(remote);
        }
    }

    /// <summary>For the handshake.</summary>
    public SslClientAuthenticationOptions Settings { get; }

    /// <summary>Why the dial failed as far as TLS is the reason; null when it is not.</summary>
    public string? Problem => _problem
        ?? (_askedInVain ? "it asks for a client certificate, and none is given; set cert= and key="
        : _accepted && _options.Certificate is { } own ? "its certificate was accepted, but then it ended the connection: does it accept "
            + $"the client certificate in {own}?"
        : null);

    private bool IsAccepted(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        _problem = CertificateCheck.Problem(
            certificate, chain, errors, _name, _options.Authorities is { } path ? $"those in {path}" : "those that the system trusts");
        _accepted = _problem is null;
        return _accepted;
    }

    // Called a second time, with the agent's certificate, when the agent asks for ours.
    private X509Certificate SelectNone(X509Certificate? remote)
    {
        _askedInVain |= remote is not null;
        return null!;
    }
}
