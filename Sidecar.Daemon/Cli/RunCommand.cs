using System.CommandLine;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Cli;

/// <summary><c>sidecar run</c>: binds flags to options; rules and defaults live in Configuration.</summary>
internal static class RunCommand
{
    private static readonly Option<string[]> Agents = FlagTypes.Many("--agent", "ID=ENDPOINT[+ENDPOINT…][,KEY=VALUE…]",
        "An agent and its Unix sockets, one per process, or reverse: for one that dials in. Keys: failure-mode=closed|open, events=NAME+NAME, mode=enforce|monitor|off, encoding=json|msgpack, config-file; bodies: body=required|optional, body-mode and response-body-mode=buffer|stream|hybrid[:SIZE], max-body and max-response-body=SIZE|none, on-excess=block|skip|partial, max-event=SIZE, body-memory=SIZE; "
        + "and for this agent alone what the flags of the same names set for all: connections, " + string.Join(", ", PoolFlag.Keys.Where(static key => key != "connections")) + ". Repeatable.");

    private static readonly Option<string[]> Listeners = FlagTypes.Many("--listen", "KIND=PATH[,KEY=VALUE…]",
        $"A Unix socket to listen on: http=PATH,{ProxyLabels.Choices} | envoy=PATH | frames=PATH | spop=PATH or spop=abns:NAME | native=PATH | admin=PATH | reverse=PATH for agents that dial in. Traefik needs http=127.0.0.1:PORT,secret-file=FILE; envoy may have the same. Keys: budget, mode (octal), group, max-connections; http of a proxy: set-headers, edit-headers, response-headers=NAME+NAME; envoy-http: path-prefix, request-body=yes|sign|no; traefik: request-body=yes|no, trusted-hops=N; envoy: allow-mode-override=yes|no, max-message-timeout, whole-bodies=buffered|buffered-partial|full-duplex-streamed, request-body-mode and response-body-mode=none|streamed|buffered|buffered-partial|full-duplex-streamed, with-request-body=yes|sign|no, text-form=refuse|allow, max-message=SIZE; json, frames, native and spop: unknown-exchange=closed|open; spop: response=yes|no, header-form=lists|names, var-prefix, max-frame; reverse: agents=ID+ID, token-file=FILE, uid and gid=NAME+NAME, max-per-agent. Repeatable.");

    private static readonly Option<string[]> Routes = FlagTypes.Many("--route", "ID[,KEY=VALUE…]",
        "Which requests go to which agents, the first match wins. Keys: agents=A+B>C ('+' together, '>' one after the other, 'A:monitor' sets the mode) or agents=none, which must be said; host=NAME+*.NAME, path (prefix), path-case=sensitive|insensitive, method=GET+POST, unapplied=refuse|ignore, sticky=cookie:NAME|header:NAME|client-address|session. None given: every request to every agent. Repeatable.");

    private static readonly Option<string?> Unmatched = new("--unmatched")
    {
        Description = "What happens to a request that no --route takes: refuse, pass (counted as not-subject, cause no-route), or inspect:A+B>C shows it to these agents [default: refuse]",
        HelpName = "WHAT",
    };

    private static readonly Option<TimeSpan?> Drain = FlagTypes.Duration("--drain-timeout", Defaults.DrainTimeout, "How long work under way may take when the daemon stops");
    private static readonly Option<TimeSpan?> Expiry = FlagTypes.Duration("--exchange-expiry", Defaults.ExchangeExpiry, "When an exchange whose end nobody announced is forgotten");
    private static readonly Option<int?> MaxExchanges = FlagTypes.Number("--max-exchanges", Defaults.MaxExchanges, "Exchanges open at once on a listener that joins phases");
    private static readonly Option<long?> BodyMemory = FlagTypes.Size("--body-memory", Defaults.BodyMemory, "Bytes of bodies held at once by the whole daemon");
    private static readonly Option<string?> FailureMode = new("--failure-mode")
    {
        Description = "What happens to a request that an agent cannot inspect: closed refuses it, open lets it pass, counted [default: closed]",
    };

    private static readonly Option<string?> MetricsPrefix = new("--metrics-prefix")
    {
        Description = $"First part of every metric's name [default: {Defaults.MetricsPrefix}]",
        HelpName = "NAME",
    };

    private static readonly Option<string?> ReplyKey = new("--reply-key")
    {
        Description = "File with the key that signs the ids of block pages; share it between instances [default: beside the listener's socket]",
        HelpName = "FILE",
    };

    private static readonly Option<bool> Takeover = new("--takeover") { Description = "Replace a daemon that listens on the same sockets" };
    private static readonly Option<bool> WaitForAgents = new("--wait-for-agents") { Description = "Tell the service manager READY only when every agent has a connection" };
    private static readonly Option<bool> Check = new("--check") { Description = "Check the flags and the files that they name, as a start would, and exit" };
    private static readonly Option<bool> Verbose = new("--verbose") { Description = "Log connections too" };

    public static Command Create(TextWriter errors)
    {
        FailureMode.AcceptOnlyFromAmong("closed", "open");
        var command = new Command("run", "Run the daemon")
        {
            Agents, Listeners, Routes, Unmatched, Drain, Expiry, MaxExchanges, BodyMemory, FailureMode, MetricsPrefix, ReplyKey, Takeover, WaitForAgents, Check,
            Verbose,
        };
        PoolFlags.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            var problems = new List<string>();
            var options = Bind(result, problems);
            if (options.Routes.Count == 0 && problems.Count == 0 && result.GetValue(Unmatched) is { } unmatched)
            {
                problems.Add($"--unmatched {unmatched} is about requests that no --route takes; without a --route every request goes to every agent");
            }

            problems.AddRange(OptionsValidator.Validate(options, isComplete: problems.Count == 0));
            if (problems.Count > 0)
            {
                foreach (var problem in problems)
                {
                    await errors.WriteLineAsync($"sidecar: {problem}").ConfigureAwait(false);
                }

                return ExitCodes.WrongUse;
            }

            var limit = DescriptorLimit.Read().Soft;
            var plan = DescriptorPlan.Fit(options, limit, DescriptorReserve.SizeOf(limit));
            if ((plan.Error ?? plan.Warning) is { } said)
            {
                await errors.WriteLineAsync($"sidecar: {said}").ConfigureAwait(false);
            }

            return plan.Error is not null ? ExitCodes.WrongUse
                : options.ChecksOnly ? await DaemonHost.CheckAsync(plan.Options, errors).ConfigureAwait(false)
                : await DaemonHost.RunAsync(plan.Options, result.GetValue(Verbose), errors, cancellation).ConfigureAwait(false);
        });
        return command;
    }

    private static ConfigurationSnapshot Bind(ParseResult result, List<string> problems) => new()
    {
        Agents = Specs(result.GetValue(Agents), AgentFlag.Parse, problems),
        Listeners = Specs(result.GetValue(Listeners), ListenerFlag.Parse, problems),
        Routes = Specs(result.GetValue(Routes), RouteFlag.Parse, problems),
        Unmatched = result.GetValue(Unmatched) is { } unmatched ? RouteFlag.ParseUnmatched(unmatched, problems) : null,
        Pool = PoolFlags.Bind(result, problems),
        DrainTimeout = result.GetValue(Drain) ?? Defaults.DrainTimeout,
        ExchangeExpiry = result.GetValue(Expiry) ?? Defaults.ExchangeExpiry,
        MaxExchanges = result.GetValue(MaxExchanges) ?? Defaults.MaxExchanges,
        BodyMemory = result.GetValue(BodyMemory) ?? Defaults.BodyMemory,
        FailureMode = result.GetValue(FailureMode) == "open" ? Configuration.FailureMode.Open : Configuration.FailureMode.Closed,
        MetricsPrefix = result.GetValue(MetricsPrefix) ?? Defaults.MetricsPrefix,
        ReplyKeyFile = result.GetValue(ReplyKey),
        ChecksOnly = result.GetValue(Check),
        AllowTakeover = result.GetValue(Takeover),
        WaitForAgents = result.GetValue(WaitForAgents),
    };

    private static List<T> Specs<T>(string[]? texts, Func<string, List<string>, T?> parse, List<string> problems)
        where T : class => [.. (texts ?? []).Select(text => parse(text, problems)).OfType<T>()];
}
