using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads the small language of flags: <c>head[,key=value]…</c>. Collects every error instead of stopping at the first.</summary>
internal sealed class FlagText : ISettingPlace
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

    public bool IsWritten(Setting setting) => _written.Contains(setting.Key);

    public string NameOf(Setting setting) => setting.Key + "=";

    public string TextOf(Setting setting, string value) => $"{setting.Key}={value}";

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
                Error($"'{key}' is none of its keys" + Nearest.Hint(
                    key, known,
                    known.Count > MostListed ? "; see 'sidecar run --help'" : $"; they are {string.Join(", ", known)}"));
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

    public void Error(string message) => _errors.Add($"{Place}: {message}");

    public void Error(Setting setting, string message) => _errors.Add($"{Place}: key {setting.Key}: {message}");
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
