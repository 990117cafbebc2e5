using System.Runtime.CompilerServices;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// What a proxy tells about the client's request, mostly by headers whose names its <see cref="HeaderTable"/> knows. Only the listener's
/// proxy may set them; agents never see them.
/// </summary>
internal enum TrustedHeader
{
    /// <summary>The client's method.</summary>
    Method,

    /// <summary>The client's request target, byte for byte.</summary>
    Target,

    /// <summary>The client's Host header as it came.</summary>
    Authority,

    /// <summary>The host by which the proxy chose the site, without port.</summary>
    Host,

    /// <summary>http or https.</summary>
    Scheme,

    /// <summary>The client's address; of a list, the last one.</summary>
    ClientAddress,

    /// <summary>The client's port.</summary>
    ClientPort,

    /// <summary>The proxy's id of the request.</summary>
    RequestId,

    /// <summary>What the client spoke, for example <c>HTTP/2.0</c>.</summary>
    Protocol,

    /// <summary>Empty without TLS.</summary>
    TlsVersion,

    /// <summary>Empty without TLS.</summary>
    TlsCipher,

    /// <summary>The client's own Content-Length, which the question to us cannot carry.</summary>
    ContentLength,

    /// <summary>The client's own Transfer-Encoding.</summary>
    TransferEncoding,

    /// <summary>The client's own Upgrade.</summary>
    Upgrade,

    /// <summary>The client's own X-Forwarded-For.</summary>
    ForwardedFor,

    /// <summary>The client's own X-Forwarded-Host.</summary>
    ForwardedHost,

    /// <summary>The client's own X-Forwarded-Proto.</summary>
    ForwardedProto,

    /// <summary>What the proxy knows the client's session by, for routes that stick to it.</summary>
    Session,

    /// <summary>Whether the client's body goes on beyond what the question has of it.</summary>
    PartialBody,
}



/// <summary>
/// What a proxy told under each <see cref="TrustedHeader"/>, a char per byte; null where it told nothing. Lies where it is declared.
/// </summary>
[InlineArray(Count)]
internal struct TrustedValues
{
    /// <summary>How many there are over all proxies.</summary>
    public const int Count = (int)TrustedHeader.PartialBody + 1;

    private string? _first;

    /// <summary>The value of one.</summary>
    public string? this[TrustedHeader header]
    {
        readonly get => this[(int)header];
        set => this[(int)header] = value;
    }
}
