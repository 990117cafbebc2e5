namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>The headers by which the proxy tells about the client's request. Only the listener's proxy may set them; agents never see them.</summary>
internal enum TrustedHeader
{
    /// <summary><c>X-Original-Method</c>: the client's method.</summary>
    Method,

    /// <summary><c>X-Original-URI</c>: the client's request target, byte for byte.</summary>
    Target,

    /// <summary><c>X-Forwarded-Host</c>: the client's Host header as it came.</summary>
    Authority,

    /// <summary><c>X-Sidecar-Host</c>: the host by which the proxy chose the site, without port.</summary>
    Host,

    /// <summary><c>X-Forwarded-Proto</c>: http or https.</summary>
    Scheme,

    /// <summary><c>X-Forwarded-For</c>: the client's address; of a list, the last one.</summary>
    ClientAddress,

    /// <summary><c>X-Sidecar-Client-Port</c>: the client's port.</summary>
    ClientPort,

    /// <summary><c>X-Request-Id</c>: the proxy's id of the request.</summary>
    RequestId,

    /// <summary><c>X-Sidecar-Protocol</c>: what the client spoke, for example <c>HTTP/2.0</c>.</summary>
    Protocol,

    /// <summary><c>X-Sidecar-Tls-Version</c>: empty without TLS.</summary>
    TlsVersion,

    /// <summary><c>X-Sidecar-Tls-Cipher</c>: empty without TLS.</summary>
    TlsCipher,

    /// <summary><c>X-Sidecar-Content-Length</c>: the client's own Content-Length, which the question to us cannot carry.</summary>
    ContentLength,

    /// <summary><c>X-Sidecar-Transfer-Encoding</c>: the client's own Transfer-Encoding.</summary>
    TransferEncoding,

    /// <summary><c>X-Sidecar-Upgrade</c>: the client's own Upgrade.</summary>
    Upgrade,

    /// <summary><c>X-Sidecar-Forwarded-For</c>: the client's own X-Forwarded-For.</summary>
    ForwardedFor,
}
