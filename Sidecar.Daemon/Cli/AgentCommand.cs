using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.BundledAgents.Demo;
using Sidecar.Daemon.Configuration;
using Sidecar.Daemon.Configuration.Settings;
using Sidecar.Protocol.Sdk;

namespace Sidecar.Daemon.Cli;

/// <summary><c>sidecar agent demo</c>: an agent to try things with.</summary>
internal static class AgentCommand
{
    private const string DefaultId = "demo";

    private static readonly Option<string?> Listen = FlagTypes.Text(
        "--listen", "PATH", "Where to listen: a Unix socket, or for gRPC http://IP:PORT, https://IP:PORT or grpc-unix:PATH");
    private static readonly Option<string?> Reverse = FlagTypes.Text(
        "--reverse", "PATH",
        "Dial the daemon's listener for agents (sidecar run --listen reverse=PATH) instead of listening, and register there");

    private static readonly Option<string?> TokenFile =
        FlagTypes.Text("--token-file", "FILE", "With --reverse: the file whose first line is the token to register with");
    private static readonly Option<int> Connections =
        FlagTypes.Number("--connections", 4, (1, CallSettings.MostConnections), "connections", "With --reverse: kept open");

    private static readonly Option<string[]> BlockPath =
        FlagTypes.Many("--block-path", "TEXT[=STATUS]", "Block requests whose path and query contain this. Repeatable.");
    private static readonly Option<string[]> BlockHeader =
        FlagTypes.Many("--block-header", "NAME:TEXT", "Block requests with a header that contains this. Repeatable.");
    private static readonly Option<string[]> BlockBody =
        FlagTypes.Many("--block-body", "TEXT", "Block bodies that contain this, also across pieces. Repeatable.");
    private static readonly Option<int> BlockStatus = FlagTypes.Number("--block-status", 403, (200, 599), "", "Status of a block");
    private static readonly Option<string?> BlockPage = FlagTypes.Text("--block-page", "TEXT", "Body of a block");
    private static readonly Option<string[]> RedirectPath =
        FlagTypes.Many("--redirect-path", "TEXT=URL", "Redirect requests whose path contains the text. Repeatable.");
    private static readonly Option<string[]> ChallengePath =
        FlagTypes.Many("--challenge-path", "TEXT", "Challenge requests whose path contains this. Repeatable.");
    private static readonly Option<string[]> SetHeader =
        FlagTypes.Many("--set-header", "NAME:VALUE", "Set a header of requests that pass. Repeatable.");
    private static readonly Option<string[]> RemoveHeader =
        FlagTypes.Many("--remove-header", "NAME", "Remove a header of requests that pass. Repeatable.");
    private static readonly Option<string[]> ResponseHeader =
        FlagTypes.Many("--response-header", "NAME:VALUE", "Set a header of the responses to requests that pass. Repeatable.");
    private static readonly Option<TimeSpan> Delay =
        FlagTypes.Duration("--delay", TimeSpan.Zero, "Wait this long before every answer", words: "not at all");
    private static readonly Option<int> Workers = FlagTypes.Value(
        "--workers", Formats.Number(1, AgentConnectionOptions.MostWorkers, "events"), fallback: 0, "one a processor; with --delay all",
        "Events worked on at once; others wait");
    private static readonly Option<string?> Id = FlagTypes.Text("--id", "ID", "The agent's id [demo]");
    private static readonly Option<bool> JsonOnly = FlagTypes.Switch("--json-only", "Speak JSON even to a proxy that offers MessagePack");

    public static Command Create(TextWriter errors)
    {
        var demo = new Command("demo", "Run an agent that blocks, redirects and marks by simple patterns")
        {
            Listen, Reverse, TokenFile, Connections, Id, BlockPath, BlockHeader, BlockBody, BlockStatus, BlockPage, RedirectPath,
            ChallengePath, SetHeader, RemoveHeader, ResponseHeader, Delay, Workers, JsonOnly,
        };
        demo.SetAction(async (result, cancellation) =>
        {
            var problems = new List<string>();
            var rules = Bind(result, problems);
            var dialling = BindReverse(result, problems);
            var grpc = GrpcDemo.Bind(result, result.GetValue(Listen), result.GetValue(Id) ?? DefaultId, problems);
            if (grpc is not null && result.GetValue(JsonOnly))
            {
                problems.Add("--json-only is for agents on Unix sockets; on gRPC everything is protobuf");
            }

            if (problems.Count > 0)
            {
                return await errors.FailAsync(ExitCodes.WrongUse, problems);
            }

            return await ServeAsync(result, rules, dialling, grpc, errors, cancellation);
        });
        foreach (var flag in GrpcDemo.Flags)
        {
            demo.Options.Add(flag);
        }

        return new Command("agent", "Agents that come with sidecar") { demo };
    }

    private static async Task<int> ServeAsync(
        ParseResult result, DemoRules rules, ReverseAgentOptions? dialling, GrpcAgentServerOptions? grpc, TextWriter errors,
        CancellationToken cancellation)
    {
        using var loggers = LoggerFactory.Create(static logging => logging
            .SetMinimumLevel(LogLevel.Information).AddFilter("Microsoft", LogLevel.Warning)
            .AddSimpleConsole(static console => console.SingleLine = true));
        var handler = new DemoAgent(rules, TimeProvider.System);
        var workers = result.GetValue(Workers) is > 0 and var most ? most : DemoAgent.WorkersOf(rules);
        if (dialling is not null)
        {
            await using var agent = new ReverseAgent(handler, dialling with { Workers = workers }, loggers);
            agent.Start();
            await Signals.WaitForStopAsync(cancellation);
            return ExitCodes.Ok;
        }

        if (grpc is not null)
        {
            await using var remote = new GrpcAgentServer(handler, grpc with { Workers = workers }, loggers);
            return await ListenAsync(remote.StartAsync, errors, cancellation);
        }

        var options = DemoAgent.Options(
            result.GetValue(Id) ?? DefaultId, result.GetValue(Listen)!, DaemonVersion.Text) with
        { OffersMessagePack = !result.GetValue(JsonOnly), HandlerNeverBlocks = true, Workers = workers };
        await using var server = new AgentServer(handler, options, loggers);
        return await ListenAsync(server.StartAsync, errors, cancellation);
    }

    private static async Task<int> ListenAsync(Func<CancellationToken, Task> start, TextWriter errors, CancellationToken cancellation)
    {
        try
        {
            await start(cancellation);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or SocketException)
        {
            return await errors.FailAsync(ExitCodes.Failed, e.Message);
        }

        await Signals.WaitForStopAsync(cancellation);
        return ExitCodes.Ok;
    }

    // Null when the agent is to listen.
    private static ReverseAgentOptions? BindReverse(ParseResult result, List<string> problems)
    {
        var (path, token) = (result.GetValue(Reverse), result.GetValue(TokenFile));
        if ((path is null) == (result.GetValue(Listen) is null))
        {
            problems.Add("give either --listen PATH, to be dialled, or --reverse PATH, to dial the daemon");
        }

        if (path is null)
        {
            if (token is not null || result.GetResult(Connections) is { Implicit: false })
            {
                problems.Add("--token-file and --connections are of --reverse");
            }

            return null;
        }

        if (Configuration.SocketPaths.Error(path) is { } error)
        {
            problems.Add($"--reverse {path}: {error}");
        }

        if (string.IsNullOrEmpty(result.GetValue(Id) ?? DefaultId))
        {
            problems.Add("--id is empty; an agent registers by its id");
        }

        var demo = DemoAgent.Options(result.GetValue(Id) ?? DefaultId, path, DaemonVersion.Text);
        return new ReverseAgentOptions
        {
            AgentId = demo.Capabilities.AgentId,
            SocketPath = path,
            Capabilities = demo.Capabilities,
            AuthToken = token is null ? null : ReadToken(token, problems),
            Connections = result.GetValue(Connections),
        };
    }

    private static string? ReadToken(string path, List<string> problems)
    {
        try
        {
            return File.ReadLines(path).FirstOrDefault()?.Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add($"--token-file {path} cannot be read: {e.Message}");
            return null;
        }
    }

    private static DemoRules Bind(ParseResult result, List<string> problems)
    {
        var status = result.GetValue(BlockStatus);
        return new DemoRules
        {
            BlockPaths = Statuses(result, status, problems),
            BlockHeaders = Pairs(result, BlockHeader, ':', problems),
            BlockBodies = result.GetValue(BlockBody) ?? [],
            BlockStatus = status,
            BlockPage = result.GetValue(BlockPage),
            Redirects = Pairs(result, RedirectPath, '=', problems),
            ChallengePaths = result.GetValue(ChallengePath) ?? [],
            SetHeaders = Pairs(result, SetHeader, ':', problems),
            RemoveHeaders = result.GetValue(RemoveHeader) ?? [],
            ResponseHeaders = Pairs(result, ResponseHeader, ':', problems),
            Delay = result.GetValue(Delay),
        };
    }

    private static List<(string Text, int Status)> Statuses(ParseResult result, int fallback, List<string> problems)
    {
        var statuses = new List<(string, int)>();
        foreach (var text in result.GetValue(BlockPath) ?? [])
        {
            var at = text.LastIndexOf('=');
            var hasStatus = int.TryParse(text.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var status) && at > 0;
            statuses.Add(hasStatus ? (text[..at], status) : (text, fallback));
            CheckStatus($"--block-path {text}: status", statuses[^1].Item2, problems);
        }

        return statuses;
    }

    private static void CheckStatus(string what, int status, List<string> problems)
    {
        if (status is < 200 or > 599)
        {
            problems.Add($"{what} {status.ToString(CultureInfo.InvariantCulture)} is outside 200 to 599");
        }
    }

    private static List<(string Name, string Value)> Pairs(
        ParseResult result, Option<string[]> option, char separator, List<string> problems)
    {
        var pairs = new List<(string, string)>();
        foreach (var text in result.GetValue(option) ?? [])
        {
            var at = text.IndexOf(separator, StringComparison.Ordinal);
            if (at <= 0)
            {
                problems.Add($"{option.Name} '{text}': write {option.HelpName}");
                continue;
            }

            pairs.Add((text[..at], text[(at + 1)..].TrimStart()));
        }

        return pairs;
    }
}
