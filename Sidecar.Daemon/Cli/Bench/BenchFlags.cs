using System.CommandLine;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>The flags of <c>sidecar bench</c>, and what is wrong use of them.</summary>
internal static class BenchFlags
{
    /// <summary>Whom to load; or else there is an echo.</summary>
    public static readonly Option<string?> Connect = FlagTypes.Text(
        "--connect", "ENDPOINT",
        "An agent (its Unix socket, http://HOST:PORT, https://HOST:PORT or grpc-unix:PATH), or the Unix socket of a daemon's native "
        + "listener or of 'sidecar bench --echo'. A daemon passes each message on to its agents; that is not counted");

    /// <summary>The other end of <c>--raw</c>.</summary>
    public static readonly Option<string?> Echo = FlagTypes.Text(
        "--echo", "PATH", "Be the echo for --raw on this Unix socket, until stopped");

    /// <summary>The processors for this process.</summary>
    public static readonly Option<string?> Pin = FlagTypes.Text(
        "--pin", "CPUS",
        "Run on these CPUs only, for example 1 or 0,2-3, so that runs are comparable. It ties this process alone (sched_setaffinity); "
        + "start whom it asks with 'taskset -c CPUS'");

    /// <summary>How to report.</summary>
    public static readonly Option<bool> Json = FlagTypes.Switch("--json", "Print one JSON object instead of a table");

    private const long MostSize = 8 * 1024 * 1024;
    private const string DefaultEvent = "request-headers";

    private static readonly Option<int> Concurrency =
        FlagTypes.Number("--concurrency", 64, (1, 65_536), "calls", "In flight, over all connections");
    private static readonly Option<int> Connections = FlagTypes.Number("--connections", 1, (1, 256), "connections", "Kept open");
    private static readonly Option<string?> Event = FlagTypes.Text(
        "--event", "EVENT",
        "The event to send: request-headers, request-body, response-headers, response-body, websocket-frame, guardrail. p50 to p99.9 are "
        + "those of its calls; messages and exchanges are counted with what opens and ends the exchange [request-headers]");

    private static readonly Option<long> Size =
        FlagTypes.Size("--size", 1024, MostSize, "Bytes of a body piece, a frame or a guardrail's text");
    private static readonly Option<int> Headers =
        FlagTypes.Number("--headers", 6, (0, int.MaxValue), "headers", "Of a request or response");
    private static readonly Option<string?> Encoding =
        FlagTypes.Text("--encoding", "msgpack|json", "How messages are written [msgpack]");
    private static readonly Option<bool> Base64 = FlagTypes.Switch(
        "--base64", "Bodies in MessagePack as base64, which agents other than ours need");
    private static readonly Option<bool> Complete = FlagTypes.Switch(
        "--complete", "End every exchange with request-complete, as a daemon ends it with its agents; a daemon is told in any case");

    private static readonly Option<bool> Check = FlagTypes.Switch(
        "--check", "Ask as Envoy's ext_authz does: one Check call for each request, at grpc-unix:PATH, also of a listener envoy=PATH");

    private static readonly Option<bool> Raw = FlagTypes.Switch("--raw", "Frames without encoding or decoding, against an echo");
    private static readonly Option<TimeSpan> Warmup = FlagTypes.Duration(
        "--warmup", TimeSpan.FromSeconds(20), "Not counted, before the run: until the rate is stable, at most so long");

    private static readonly Option<TimeSpan> Duration = FlagTypes.Duration(
        "--duration", TimeSpan.FromSeconds(5), "Counted, after the warm-up");
    private static readonly Option<TimeSpan> CallTimeout = FlagTypes.Duration(
        "--timeout", TimeSpan.FromSeconds(5), "Longest wait for an answer");
    private static readonly Option<string[]> Processes = FlagTypes.Many(
        "--process", "NAME=PID",
        "Report the CPU of this process, too, from /proc/PID/stat (all threads, user and system), for example agent=4711; may be given "
        + "many times");

    private static readonly Option<string?> Ca = FlagTypes.Text(
        "--ca", "FILE", "https: who may issue the agent's certificate, PEM [those whom the system trusts]");

    private static readonly Option<string?> Cert = FlagTypes.Text("--cert", "FILE", "https: our certificate, PEM");
    private static readonly Option<string?> Key = FlagTypes.Text("--key", "FILE", "https: its key, PEM [in the same file]");
    private static readonly Option<string?> ServerName = FlagTypes.Text(
        "--server-name", "NAME", "https: the name the agent's certificate must be for [the host]");

    /// <summary>Gives them to a command, in the order in which help shows them.</summary>
    public static void AddTo(Command command)
    {
        Encoding.AcceptOnlyFromAmong(ProtocolConstants.MessagePack, ProtocolConstants.Json);
        foreach (Option option in (Option[])
            [
                Connect, Echo, Concurrency, Connections, Event, Size, Headers, Encoding, Base64, Complete, Check, Raw, Warmup, Duration,
                CallTimeout, Processes, Pin, Json, Ca, Cert, Key, ServerName])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>What they ask for, where <see cref="WrongUse"/> finds nothing wrong.</summary>
    public static BenchOptions Bind(ParseResult result) => new()
    {
        Connect = EndpointOf(result.GetValue(Connect)!, static _ => { })!,
        Tls = new TlsOptions
        {
            Authorities = result.GetValue(Ca),
            Certificate = result.GetValue(Cert),
            Key = result.GetValue(Key),
            ServerName = result.GetValue(ServerName),
        },
        Concurrency = result.GetValue(Concurrency),
        Connections = result.GetValue(Connections),
        Event = EventOf(result.GetValue(Event) ?? DefaultEvent),
        Size = (int)result.GetValue(Size),
        Headers = result.GetValue(Headers),
        Encoding = result.GetValue(Encoding) ?? ProtocolConstants.MessagePack,
        Warmup = result.GetValue(Warmup),
        Duration = result.GetValue(Duration),
        Timeout = result.GetValue(CallTimeout),
        Base64 = result.GetValue(Base64),
        Raw = result.GetValue(Raw),
        Check = result.GetValue(Check),
        Completes = result.GetValue(Complete),
        Processes = [.. (result.GetValue(Processes) ?? []).Select(static text => MeasuredProcess.Parse(text, out _)!)],
    };

    /// <summary>What is wrong with them, in words; null for nothing.</summary>
    public static string? WrongUse(ParseResult result)
    {
        if (result.GetValue(Connect) is null == result.GetValue(Echo) is null)
        {
            return "give either --connect ENDPOINT or --echo PATH";
        }

        if (result.GetValue(Connect) is { } endpoint && WrongEndpoint(result, endpoint) is { } wrong)
        {
            return wrong;
        }

        if (result.GetValue(Pin) is { } pin && !CpuPin.TryParse(pin, out _))
        {
            return $"--pin {pin} is no list of CPUs; write 1, 0,2 or 0-3";
        }

        foreach (var text in result.GetValue(Processes) ?? [])
        {
            if (MeasuredProcess.Parse(text, out var unclear) is null)
            {
                return unclear;
            }
        }

        return EventOf(result.GetValue(Event) ?? DefaultEvent) == EventKind.None
            ? $"--event {result.GetValue(Event)} is none of request-headers, request-body, response-headers, response-body, "
            + "websocket-frame, guardrail"
            : null;
    }

    private static string? WrongEndpoint(ParseResult result, string written)
    {
        string? problem = null;
        var endpoint = EndpointOf(written, error => problem = error);
        return problem
            ?? (result.GetValue(Check) && endpoint is not AgentEndpoint.GrpcUnix ? "--check is for grpc-unix:PATH"
            : endpoint is { IsGrpc: true } && result.GetValue(Raw) ? "--raw is for an echo on a Unix socket"
            : endpoint is AgentEndpoint.Reverse ? "--connect is an agent that can be dialled, or a listener"
            : endpoint is not AgentEndpoint.Grpc { IsEncrypted: true }
            && new[] { Ca, Cert, Key, ServerName }.Any(option => result.GetValue(option) is not null)
                ? "--ca, --cert, --key and --server-name are for https://"
            : null);
    }

    // Any path will do here, also one that does not look like a socket's.
    private static AgentEndpoint? EndpointOf(string written, Action<string> error) =>
        written.Contains(':', StringComparison.Ordinal) ? AgentEndpoint.Read(written, error) : new AgentEndpoint.Unix(written);

    private static EventKind EventOf(string name) =>
        EventNames.KindOf(name) is not EventKind.RequestComplete and var kind ? kind : EventKind.None;


}

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
