using System.Text.Json;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads <c>--agent 'id=endpoint[+endpoint…][,key=value]…'</c>. A path with a <c>+</c> cannot be written: it separates, as in every list.</summary>
internal static class AgentSpec
{
    private static readonly string[] Keys = [.. PoolSpec.Keys, "failure-mode", "events", "mode", "encoding", "config-file", .. TlsSpec.Keys, .. BodySpec.Keys];

    /// <summary>Null, with errors, when it cannot be read.</summary>
    public static AgentOptions? Parse(string text, List<string> errors)
    {
        var before = errors.Count;
        var spec = new SpecText("--agent", text, Keys, errors);
        var equals = spec.Head.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || equals == spec.Head.Length - 1)
        {
            spec.Error("write id=endpoint, for example waf=/run/sidecar/waf.sock");
            return null;
        }

        var endpoints = spec.Head[(equals + 1)..];
        var isReverse = endpoints == AgentOptions.ReverseEndpoint;
        var places = isReverse ? [endpoints] : Endpoints(spec, endpoints);
        var options = new AgentOptions
        {
            Id = spec.Head[..equals],
            Endpoints = places,
            Tls = TlsSpec.Read(spec, places),
            IsReverse = isReverse,
            Pool = PoolSpec.Read(spec),
            FailureMode = spec.Word<FailureMode>("failure-mode", ("closed", FailureMode.Closed), ("open", FailureMode.Open)),
            Mode = Mode(spec) ?? AgentMode.Enforce,
            Events = Events(spec),
            Encoding = spec.Text("encoding") is null ? null
                : spec.Word<int>("encoding", (ProtocolConstants.Json, 0), (ProtocolConstants.MessagePack, 1)) is null ? null : spec.Text("encoding"),
            Configuration = ReadConfiguration(spec),
            ConfigurationFile = spec.Text("config-file"),
            Body = BodySpec.Parse(spec),
        };
        return errors.Count == before ? options : null;
    }

    private static AgentMode? Mode(SpecText spec) =>
        spec.Word<AgentMode>("mode", ("enforce", AgentMode.Enforce), ("monitor", AgentMode.Monitor), ("off", AgentMode.Off));

    private static List<string> Endpoints(SpecText spec, string text)
    {
        var endpoints = text.Split('+', StringSplitOptions.TrimEntries).Select(endpoint => Endpoint(spec, endpoint)).ToList();
        if (endpoints.Count > PoolLimits.Endpoints.Max)
        {
            spec.Error($"{endpoints.Count} endpoints are given, an agent may have {PoolLimits.Endpoints.Max}");
        }

        foreach (var twice in endpoints.GroupBy(static endpoint => endpoint, StringComparer.Ordinal).Where(static group => group.Count() > 1))
        {
            spec.Error($"endpoint {twice.Key} is given {twice.Count()} times");
        }

        return endpoints;
    }

    private static string Endpoint(SpecText spec, string endpoint)
    {
        if (endpoint.StartsWith(AgentOptions.ReverseEndpoint, StringComparison.Ordinal))
        {
            spec.Error($"endpoint {endpoint}: '{AgentOptions.ReverseEndpoint}' stands alone, because the agent dials --listen reverse=PATH; a socket file of that name is unix:{endpoint}");
            return endpoint;
        }

        return AgentEndpoints.Read(endpoint, spec.Error, isConfiguration: true);
    }

    private static EventSet Events(SpecText spec)
    {
        if (spec.List("events") is not { } names)
        {
            return EventSet.All;
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

    private static JsonElement? ReadConfiguration(SpecText spec)
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
