using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>What a benchmark run does.</summary>
internal sealed record BenchOptions
{
    /// <summary>An agent's endpoint, or the Unix socket of a daemon's native listener or of an echo.</summary>
    public required AgentEndpoint Connect { get; init; }

    /// <summary>TLS for an <c>https://</c> endpoint.</summary>
    public TlsOptions? Tls { get; init; }

    /// <summary>Whether the agent speaks gRPC, where there is no encoding to insist on.</summary>
    public bool IsGrpc => Connect.IsGrpc;

    /// <summary>Calls in flight, over all connections.</summary>
    public required int Concurrency { get; init; }

    /// <summary>Connections; calls are spread over them evenly.</summary>
    public required int Connections { get; init; }

    /// <summary>The event of every call.</summary>
    public required EventKind Event { get; init; }

    /// <summary>Bytes of a body piece, a frame or a guardrail's text.</summary>
    public required int Size { get; init; }

    /// <summary>Headers of a request or response.</summary>
    public required int Headers { get; init; }

    /// <summary>The encoding to insist on.</summary>
    public required string Encoding { get; init; }

    /// <summary>Whether bodies are sent as base64 also to a peer that takes raw bytes.</summary>
    public bool Base64 { get; init; }

    /// <summary>Whether an agent, too, is told that an exchange is complete.</summary>
    public bool Completes { get; init; }

    /// <summary>Other processes whose processor time is reported.</summary>
    public IReadOnlyList<MeasuredProcess> Processes { get; init; } = [];

    /// <summary>Longest wait for a stable rate, before what is counted.</summary>
    public required TimeSpan Warmup { get; init; }

    /// <summary>Counted.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Longest wait for an answer.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Frames without encoding or decoding, against an echo.</summary>
    public required bool Raw { get; init; }

    /// <summary>Envoy's questions instead of events, to an ext_authz server.</summary>
    public bool Check { get; init; }
}
