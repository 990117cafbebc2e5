using System.Text.Json;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads the small language of flags: <c>head[,key=value]…</c>. Collects every error instead of stopping at the first.</summary>
internal sealed class FlagText
{
    // Keys that a message names; more are no help in one line.
    private const int MostListed = 15;

    private readonly HashSet<string> _written = new(StringComparer.Ordinal);
    private readonly List<string> _errors;
    private readonly string[] _parts;

    /// <summary>Splits a flag's text.</summary>
    /// <param name="flag">The flag, for messages, for example <c>--agent</c>.</param>
    /// <param name="text">What the operator wrote.</param>
    /// <param name="errors">Takes every error.</param>
    public FlagText(string flag, string text, List<string> errors)
    {
        (_parts, _errors) = (text.Split(','), errors);
        Head = _parts[0].Trim();
        Place = $"{flag} {(Head.Length == 0 ? "''" : Head)}";
    }

    /// <summary>What stands before the first comma.</summary>
    public string Head { get; }

    /// <summary>Where the errors are, for messages, for example <c>--agent waf=…</c>.</summary>
    public string Place { get; set; }

    /// <summary>Whether a key was written, with whatever value.</summary>
    public bool IsWritten(Setting setting) => _written.Contains(setting.Key);

    /// <summary>What the keys say, as far as it can be read.</summary>
    /// <param name="scope">The keys that may follow the head.</param>
    public SettingValues Read(SettingScopes scope)
    {
        var values = SettingValues.Empty;
        foreach (var part in _parts.AsSpan(1))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var (key, value) = equals < 0 ? (part.Trim(), "") : (part[..equals].Trim(), part[(equals + 1)..].Trim());
            if (SettingsTable.Find(key, scope) is not { } setting)
            {
                var known = SettingsTable.Of(scope).Select(static known => known.Key).ToList();
                Error($"'{key}' is none of its keys; "
                    + $"{(known.Count > MostListed ? "see 'sidecar run --help'" : $"they are {string.Join(", ", known)}")}");
            }
            else if (!_written.Add(key))
            {
                Error(setting, "is given twice");
            }
            else if (value.Length == 0 && !(setting.CanBeEmpty && equals >= 0))
            {
                // Taken as a value it would mean no file, no group, any host or no event: never what was meant.
                Error(setting, $"has no value; write {key}={setting.Placeholder}");
            }
            else
            {
                values = setting.Read(value, values, problem => Error(setting, problem));
            }
        }

        return values.Followed(scope);
    }

    /// <summary>Adds an error about this flag.</summary>
    public void Error(string message) => _errors.Add($"{Place}: {message}");

    /// <summary>Adds an error about one key.</summary>
    public void Error(Setting setting, string message) => _errors.Add($"{Place}: key {setting.Key}: {message}");
}

/// <summary>
/// Reads <c>--agent 'id=endpoint[+endpoint…][,key=value]…'</c>. A path with a <c>+</c> cannot be written: it separates, as in every list.
/// </summary>
internal static class AgentFlag
{
    // One process each.
    private const int MostEndpoints = 16;

    /// <summary>Null, with errors, when it cannot be read.</summary>
    public static AgentOptions? Parse(string text, List<string> errors)
    {
        var before = errors.Count;
        var spec = new FlagText("--agent", text, errors);
        var equals = spec.Head.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0 || equals == spec.Head.Length - 1)
        {
            spec.Error("write id=endpoint, for example waf=/run/sidecar/waf.sock");
            return null;
        }

        var id = spec.Head[..equals];
        spec.Place = $"--agent {id}=…";
        var endpoints = Endpoints(spec, spec.Head[(equals + 1)..]);
        var options = new AgentOptions { Id = id, Endpoints = endpoints, Values = spec.Read(SettingScopes.Agent) };
        CheckTls(spec, options);
        options = options with { Configuration = ReadConfiguration(spec, options.ConfigurationFile) };
        return errors.Count == before ? options : null;
    }

    private static List<AgentEndpoint> Endpoints(FlagText spec, string text)
    {
        var written = text.Split('+', StringSplitOptions.TrimEntries);
        var endpoints =
            written.Select(endpoint => AgentEndpoint.Read(endpoint, spec.Error, isConfiguration: true)).OfType<AgentEndpoint>().ToList();
        if (endpoints.Count > MostEndpoints)
        {
            spec.Error($"{endpoints.Count} endpoints are given, an agent may have {MostEndpoints}");
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

    private static void CheckTls(FlagText spec, AgentOptions agent)
    {
        // Otherwise somebody believes that a connection is encrypted which is not.
        if (agent.Tls is not null && !agent.Endpoints.All(static endpoint => endpoint is AgentEndpoint.Grpc { IsEncrypted: true }))
        {
            var keys = agent.Values.Written.Where(static setting => setting.Group == SettingGroup.AgentTls)
                .Select(static setting => setting.Key + "=");
            spec.Error($"{string.Join(", ", keys)} is for TLS, but not every endpoint begins with https://");
        }

        if (agent.Tls is { Key: not null, Certificate: null } && !spec.IsWritten(AgentSettings.Certificate))
        {
            spec.Error(AgentSettings.CertificateKey, "is the key of cert=, which is missing");
        }
    }

    private static JsonElement? ReadConfiguration(FlagText spec, string? path)
    {
        if (path is null)
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

/// <summary>Reads <c>--route 'id,agents=…[,key=value]…'</c>.</summary>
internal static class RouteFlag
{
    /// <summary>Null, with errors, when it cannot be read.</summary>
    public static RouteOptions? Parse(string text, List<string> errors)
    {
        var before = errors.Count;
        var spec = new FlagText("--route", text, errors);
        if (spec.Head.Length == 0 || spec.Head.Contains('=', StringComparison.Ordinal))
        {
            spec.Error("write the route's id first, for example api,path=/api,agents=waf");
            return null;
        }

        var options = new RouteOptions { Id = spec.Head, Values = spec.Read(SettingScopes.Route) };
        if (!spec.IsWritten(RouteSettings.Agents))
        {
            spec.Error($"a route says whom it asks: write agents=A+B, or agents={RouteOptions.NoAgents} where its requests are to pass "
                + "without being shown to anybody");
        }

        return errors.Count == before ? options : null;
    }
}
