using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>The client's request as the proxy told it.</summary>
internal sealed class ClientRequest(string?[] told, HeaderBlock headers)
{
    /// <summary>The client's headers as agents get them.</summary>
    public HeaderBlock Headers => headers;

    /// <summary>Why it is not inspected; null when it is.</summary>
    public string? Problem { get; init; }

    /// <summary>Whether the problem lies in the proxy's configuration: no client can cause it.</summary>
    public bool IsPlumbing { get; init; }

    /// <summary>The method; empty when the proxy did not say.</summary>
    public string Method => this[TrustedHeader.Method] ?? "";

    /// <summary>The request target, a char per byte; empty when the proxy did not say.</summary>
    public string RawTarget => this[TrustedHeader.Target] ?? "";

    /// <summary>The host the proxy routes by; null when the request has none.</summary>
    public string? Host => this[TrustedHeader.Host] ?? this[TrustedHeader.Authority];

    /// <summary>What the proxy told, a char per byte; null when it told nothing or an empty value.</summary>
    public string? this[TrustedHeader header] => told[(int)header] is { Length: > 0 } value ? value : null;
}
