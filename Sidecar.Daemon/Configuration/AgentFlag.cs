using System.Text.Json;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads <c>--agent 'id=endpoint[+endpoint…][,key=value]…'</c>. A path with a <c>+</c> cannot be written: it separates, as in every list.</summary>
internal static class AgentFlag
{
    private static readonly string[] Keys = [.. PoolFlag.Keys, "failure-mode", "events", "mode", "encoding", "config-file", .. TlsFlag.Keys, .. BodyFlag.Keys];

    /// <summary>Null, with errors, when it cannot be read.</summary>
    public static AgentOptions? Parse(string text, List<string> errors)
    {
        var before = errors.Count;
        var spec = new FlagText("--agent", text, Keys, errors);
        var equals = spec.Head.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || equals == spec.Head.Length - 1)
        {
            spec.Error("write id=endpoint, for example waf=/run/sidecar/waf.sock");
            return null;
        }

        var endpoints = Endpoints(spec, spec.Head[(equals + 1)..]);
        var options = new AgentOptions
        {
            Id = spec.Head[..equals],
            Endpoints = endpoints,
            Tls = TlsFlag.Read(spec, endpoints),
            Pool = PoolFlag.Read(spec),
            FailureMode = spec.Word<FailureMode>("failure-mode", ("closed", FailureMode.Closed), ("open", FailureMode.Open)),
            Mode = Mode(spec) ?? AgentMode.Enforce,
            Events = Events(spec),
            Encoding = spec.Text("encoding") is null ? null
                : spec.Word<int>("encoding", (ProtocolConstants.Json, 0), (ProtocolConstants.MessagePack, 1)) is null ? null : spec.Text("encoding"),
            Configuration = ReadConfiguration(spec),
            ConfigurationFile = spec.Text("config-file"),
            Body = BodyFlag.Parse(spec),
        };
        return errors.Count == before ? options : null;
    }

    private static AgentMode? Mode(FlagText spec) =>
        spec.Word<AgentMode>("mode", ("enforce", AgentMode.Enforce), ("monitor", AgentMode.Monitor), ("off", AgentMode.Off));

    private static List<AgentEndpoint> Endpoints(FlagText spec, string text)
    {
        var written = text.Split('+', StringSplitOptions.TrimEntries);
        var endpoints = written.Select(endpoint => AgentEndpoint.Read(endpoint, spec.Error, isConfiguration: true)).OfType<AgentEndpoint>().ToList();
        if (endpoints.Count > PoolLimits.Endpoints.Max)
        {
            spec.Error($"{endpoints.Count} endpoints are given, an agent may have {PoolLimits.Endpoints.Max}");
        }

        if (endpoints.OfType<AgentEndpoint.Reverse>().Any() && written.Length > 1)
        {
            spec.Error(AgentEndpoint.MustStandAlone(new AgentEndpoint.Reverse().ToString()));
        }

        foreach (var twice in endpoints.GroupBy(static endpoint => endpoint).Where(static group => group.Count() > 1))
        {
            spec.Error($"endpoint {twice.Key} is given {twice.Count()} times");
        }

        return endpoints;
    }

    private static EventSet? Events(FlagText spec)
    {
        if (spec.List("events") is not { } names)
        {
            return null;
        }

        var events = EventSet.None;
        foreach (var name in names)
        {
            if (!EventNames.TryParse(name, out var one))
            {
                spec.Error($"event {name} is none of {EventNames.Known}");
            }

            events |= one;
        }

        return events;
    }

    private static JsonElement? ReadConfiguration(FlagText spec)
    {
        if (spec.Text("config-file") is not { } path)
        {
            return null;
        }

        try
        {
            return ConfigurationFile.Read(path);
        }
        catch (IOException e)
        {
            spec.Error(e.Message);
            return null;
        }
    }
}
