using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Sidecar.Daemon.Cli.Bench;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Connections;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Cli;

/// <summary><c>sidecar bench</c>: loads an agent, or a daemon's native listener, and says what it bears.</summary>
internal static class BenchCommand
{
    private const int DefaultConcurrency = 64;
    private const int DefaultHeaders = 6;
    private const string DefaultEvent = "request-headers";

    private static readonly TimeSpan DefaultWarmup = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DefaultDuration = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(5);

    private static readonly Option<string?> Connect = new("--connect") { Description = "An agent (its Unix socket, http://HOST:PORT, https://HOST:PORT or grpc-unix:PATH), or the Unix socket of a daemon's native listener or of 'sidecar bench --echo'", HelpName = "ENDPOINT" };
    private static readonly Option<string?> Echo = new("--echo") { Description = "Be the echo for --raw on this Unix socket, until stopped", HelpName = "PATH" };
    private static readonly Option<int?> Concurrency = FlagTypes.Number("--concurrency", DefaultConcurrency, "Calls in flight, over all connections");
    private static readonly Option<int?> Connections = FlagTypes.Number("--connections", 1, "Connections");
    private static readonly Option<string?> Event = new("--event")
    {
        Description = "The event to send: request-headers, request-body, response-headers, response-body, websocket-frame, guardrail [default: request-headers]",
        HelpName = "EVENT",
    };

    private static readonly Option<int?> Size = new("--size")
    {
        Description = "Bytes of a body piece, a frame or a guardrail's text, for example 16KiB [default: 1KiB]",
        HelpName = "SIZE",
        CustomParser = ParseSize,
    };

    private static readonly Option<int?> Headers = FlagTypes.Number("--headers", DefaultHeaders, "Headers of a request or response");
    private static readonly Option<string?> Encoding = new("--encoding") { Description = "msgpack or json [default: msgpack]" };
    private static readonly Option<TimeSpan?> Warmup = FlagTypes.Duration("--warmup", DefaultWarmup, "Not counted, before the run");
    private static readonly Option<TimeSpan?> Duration = FlagTypes.Duration("--duration", DefaultDuration, "Counted");
    private static readonly Option<TimeSpan?> CallTimeout = FlagTypes.Duration("--timeout", DefaultTimeout, "Longest wait for an answer");
    private static readonly Option<bool> Base64 = new("--base64") { Description = "Bodies in MessagePack as base64, which agents other than ours need" };
    private static readonly Option<string?> Ca = new("--ca") { Description = "https: who may issue the agent's certificate, PEM [default: those whom the system trusts]", HelpName = "FILE" };
    private static readonly Option<string?> Cert = new("--cert") { Description = "https: our certificate, PEM", HelpName = "FILE" };
    private static readonly Option<string?> Key = new("--key") { Description = "https: its key, PEM [default: in the same file]", HelpName = "FILE" };
    private static readonly Option<string?> ServerName = new("--server-name") { Description = "https: the name the agent's certificate must be for [default: the host]", HelpName = "NAME" };
    private static readonly Option<bool> Raw = new("--raw") { Description = "Frames without encoding or decoding, against an echo" };
    private static readonly Option<bool> Json = new("--json") { Description = "Print one JSON object instead of a table" };

    public static Command Create(TextWriter output, TextWriter errors)
    {
        Encoding.AcceptOnlyFromAmong(ProtocolConstants.MessagePack, ProtocolConstants.Json);
        var command = new Command("bench", "Load an agent or a daemon and measure")
        {
            Connect, Echo, Concurrency, Connections, Event, Size, Headers, Encoding, Warmup, Duration, CallTimeout, Base64, Ca, Cert, Key, ServerName, Raw, Json,
        };
        command.SetAction((result, cancellation) => RunAsync(result, output, errors, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult result, TextWriter output, TextWriter errors, CancellationToken cancellation)
    {
        if (WrongUse(result) is { } problem)
        {
            await errors.WriteLineAsync($"sidecar: {problem} (see 'sidecar bench --help')").ConfigureAwait(false);
            return ExitCodes.WrongUse;
        }

        try
        {
            if (result.GetValue(Echo) is { } echo)
            {
                using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                var serving = EchoServer.RunAsync(echo, stop.Token);
                await Signals.WaitForStopAsync(cancellation).ConfigureAwait(false);
                await stop.CancelAsync().ConfigureAwait(false);
                await serving.ConfigureAwait(false);
                return ExitCodes.Ok;
            }

            var run = new BenchRun(Bind(result), TimeProvider.System);
            await using (run.ConfigureAwait(false))
            {
                var measured = await run.RunAsync(cancellation).ConfigureAwait(false);
                await output.WriteLineAsync(result.GetValue(Json) ? AsJson(measured) : AsTable(measured)).ConfigureAwait(false);
                return measured.Calls > 0 ? ExitCodes.Ok : ExitCodes.Failed;
            }
        }
        catch (Exception e) when (e is AgentUnreachableException or SocketException or IOException)
        {
            await errors.WriteLineAsync($"sidecar: {e.Message}").ConfigureAwait(false);
            return e is AgentUnreachableException ? ExitCodes.DaemonNotRunning : ExitCodes.Failed;
        }
    }

    private static BenchOptions Bind(ParseResult result) => new()
    {
        Connect = EndpointOf(result.GetValue(Connect)!, static _ => { }),
        Tls = new TlsOptions { Authorities = result.GetValue(Ca), Certificate = result.GetValue(Cert), Key = result.GetValue(Key), ServerName = result.GetValue(ServerName) },
        Concurrency = result.GetValue(Concurrency) ?? DefaultConcurrency,
        Connections = result.GetValue(Connections) ?? 1,
        Event = EventOf(result.GetValue(Event) ?? DefaultEvent),
        Size = result.GetValue(Size) ?? 1024,
        Headers = result.GetValue(Headers) ?? DefaultHeaders,
        Encoding = result.GetValue(Encoding) ?? ProtocolConstants.MessagePack,
        Warmup = result.GetValue(Warmup) ?? DefaultWarmup,
        Duration = result.GetValue(Duration) ?? DefaultDuration,
        Timeout = result.GetValue(CallTimeout) ?? DefaultTimeout,
        Base64 = result.GetValue(Base64),
        Raw = result.GetValue(Raw),
    };

    private static string? WrongUse(ParseResult result)
    {
        if (result.GetValue(Connect) is null == result.GetValue(Echo) is null)
        {
            return "give either --connect ENDPOINT or --echo PATH";
        }

        if (result.GetValue(Connect) is { } endpoint && WrongEndpoint(result, endpoint) is { } wrong)
        {
            return wrong;
        }

        if (result.GetValue(Connections) is < 1 or > 256 || result.GetValue(Concurrency) is < 1 or > 65_536)
        {
            return "--connections is 1 to 256 and --concurrency 1 to 65536";
        }

        return EventOf(result.GetValue(Event) ?? DefaultEvent) == EventKind.None
            ? $"--event {result.GetValue(Event)} is none of request-headers, request-body, response-headers, response-body, websocket-frame, guardrail"
            : null;
    }

    private static string? WrongEndpoint(ParseResult result, string written)
    {
        string? problem = null;
        var endpoint = EndpointOf(written, error => problem = error);
        var isGrpc = AgentEndpoints.IsRemote(endpoint) || AgentEndpoints.GrpcPath(endpoint) is not null;
        return problem
            ?? (isGrpc && result.GetValue(Raw) ? "--raw is for an echo on a Unix socket"
            : !AgentEndpoints.IsEncrypted(endpoint) && new[] { Ca, Cert, Key, ServerName }.Any(option => result.GetValue(option) is not null)
                ? "--ca, --cert, --key and --server-name are for https://"
            : null);
    }

    // Any path will do here, also one that does not look like a socket's.
    private static string EndpointOf(string written, Action<string> error) =>
        AgentEndpoints.IsRemote(written) || written.StartsWith("unix:", StringComparison.Ordinal) || AgentEndpoints.GrpcPath(written) is not null
            ? AgentEndpoints.Read(written, error)
            : written;

    private static EventKind EventOf(string name) => EventNames.TryParse(name, out var set) && name is not ("all" or "request-complete" or "log")
        ? Enum.GetValues<EventKind>().First(kind => kind.AsSet() == set)
        : EventKind.None;

    private static int? ParseSize(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        var (digits, factor) = text.EndsWith("KiB", StringComparison.Ordinal) ? (text[..^3], 1024)
            : text.EndsWith("MiB", StringComparison.Ordinal) ? (text[..^3], 1024 * 1024)
            : (text, 1);
        if (int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && (long)number * factor <= 8 * 1024 * 1024)
        {
            return number * factor;
        }

        result.AddError($"--size {text} is not a size up to 8MiB; write 1024, 16KiB or 1MiB");
        return null;
    }

    private static string AsTable(BenchResult result) => string.Create(CultureInfo.InvariantCulture, $"""
        {result.What}: {result.Calls} calls in {result.Seconds:0.00} s, {result.Failures} failed{(result.FirstFailure is null ? "" : $" (first: {result.FirstFailure})")}
          calls/s      {result.CallsPerSecond,12:0}
          p50     µs   {result.P50,12:0.0}
          p90     µs   {result.P90,12:0.0}
          p99     µs   {result.P99,12:0.0}
          p99.9   µs   {result.P999,12:0.0}
          CPU µs/call  {result.CpuPerCall,12:0.00}
          bytes/call   {result.BytesPerCall,12:0.0}
        """);

    private static string AsJson(BenchResult result)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("what", result.What);
            json.WriteNumber("calls", result.Calls);
            json.WriteNumber("failures", result.Failures);
            json.WriteString("first_failure", result.FirstFailure);
            json.WriteNumber("seconds", Math.Round(result.Seconds, 3));
            json.WriteNumber("calls_per_second", Math.Round(result.CallsPerSecond));
            json.WriteNumber("p50_us", Math.Round(result.P50, 1));
            json.WriteNumber("p90_us", Math.Round(result.P90, 1));
            json.WriteNumber("p99_us", Math.Round(result.P99, 1));
            json.WriteNumber("p999_us", Math.Round(result.P999, 1));
            json.WriteNumber("cpu_us_per_call", Math.Round(result.CpuPerCall, 3));
            json.WriteNumber("bytes_per_call", Math.Round(result.BytesPerCall, 1));
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
