using System.Globalization;
using System.Text;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Writes a configuration as a file from which the same is read.</summary>
/// <param name="origins">Where each part was written, to be said behind it; null for nothing.</param>
internal sealed class SnapshotWriter(Origins? origins = null)
{
    private const int Step = 2;

    private readonly StringBuilder _text = new();

    /// <summary>The file.</summary>
    public static string Write(ConfigurationSnapshot snapshot, Origins? origins = null)
    {
        var writer = new SnapshotWriter(origins);
        writer.WriteAll(snapshot);
        return writer._text.ToString();
    }

    private void WriteAll(ConfigurationSnapshot snapshot)
    {
        Line(0, "version: 1");
        if (snapshot.Values.Has(DaemonSettings.Unmatched))
        {
            var what = snapshot.Unmatched is { Stages.Count: > 0 } unmatched
                ? $"{{inspect: {Stages(unmatched.Stages)}}}"
                : DaemonSettings.Unmatched.Write(snapshot.Unmatched);
            Line(0, $"unmatched: {what}", Subject.Daemon, DaemonSettings.Unmatched);
        }

        var written = snapshot.Values.Written.ToList();
        Section("defaults", [.. written.Where(static setting => setting.Scopes.HasFlag(SettingScopes.Agent))], snapshot.Values);
        Settings(
            0, Subject.Daemon, [.. written.Where(static setting => !setting.Scopes.HasFlag(SettingScopes.Agent))], snapshot.Values);
        Each("listeners", snapshot.Listeners, Listener);
        Each("agents", snapshot.Agents, Agent);
        Each("routes", snapshot.Routes, Route);
    }

    private void Section(string key, List<Setting> settings, SettingValues values)
    {
        if (settings.Count > 0)
        {
            Line(0, key + ":");
            Settings(Step, Subject.Daemon, settings, values);
        }
    }

    private void Each<T>(string key, IReadOnlyList<T> all, Action<T> write)
    {
        if (all.Count > 0)
        {
            Line(0, key + ":");
            foreach (var one in all)
            {
                write(one);
            }
        }
    }

    private void Listener(ListenerOptions listener)
    {
        var about = Subject.Listener(listener.Name);
        Line(Step, Quoted(listener.Name) + ":", about);
        Line(2 * Step, $"for: {FrontWord.Of(listener).Word}");
        Line(2 * Step, listener.Address is { } address ? $"address: {Quoted(address.ToString())}"
            : $"socket: {Quoted(listener.AbstractName is null ? listener.Path : listener.Place)}");
        Settings(2 * Step, about, [.. listener.Values.Written.Where(static setting => setting != ListenerSettings.Proxy)], listener.Values);
    }

    private void Agent(AgentOptions agent)
    {
        var about = Subject.Agent(agent.Id);
        Line(Step, Quoted(agent.Id) + ":", about);
        Line(2 * Step, $"at: {List(agent.Endpoints.Select(static endpoint => Quoted(TextOf(endpoint))))}");
        Settings(2 * Step, about, [.. agent.Values.Written], agent.Values);
    }

    private void Route(RouteOptions route)
    {
        var about = Subject.Route(route.Id);
        Line(0, $"- name: {Quoted(route.Id)}", about);
        var settings = route.Values.Written.Where(static setting => setting != RouteSettings.Agents).ToList();
        if (!settings.Exists(static setting => setting.FilePath.StartsWith("match.", StringComparison.Ordinal)))
        {
            Line(Step, "match: any");
        }

        Settings(Step, about, settings, route.Values);
        Line(Step, $"inspect: {(route.Stages.Count == 0 ? RouteOptions.NoAgents : Stages(route.Stages))}", about, RouteSettings.Agents);
    }

    // In the order of their paths, so that what stands below one key comes together.
    private void Settings(int indent, Subject about, List<Setting> settings, SettingValues values)
    {
        string[] before = [];
        foreach (var setting in settings.Where(static one => one.FilePath.Length > 0 && one.Form.Shape != ValueShape.Stages)
            .OrderBy(static one => one.FilePath, StringComparer.Ordinal))
        {
            var path = setting.FilePath.Split('.');
            for (var depth = 0; depth < path.Length - 1; depth++)
            {
                if (!before.Take(depth + 1).SequenceEqual(path.Take(depth + 1)) || depth >= before.Length - 1)
                {
                    Line(indent + (depth * Step), path[depth] + ":");
                }
            }

            Line(indent + ((path.Length - 1) * Step), $"{path[^1]}: {ValueOf(setting, values)}", about, setting);
            before = path;
        }
    }

    private static string ValueOf(Setting setting, SettingValues values)
    {
        var parts = values.PartsOf(setting);
        return setting.Form.Shape switch
        {
            ValueShape.List => List(parts.Select(Quoted)),
            ValueShape.Map when parts.Count > 0 && parts.All(static part => part.Contains(':', StringComparison.Ordinal)) =>
                $"{{{string.Join(", ", parts.Select(Pair))}}}",
            ValueShape.Map when parts.Count == 0 => "{}",
            _ => Quoted(parts[0]),
        };
    }

    private static string Pair(string part)
    {
        var colon = part.IndexOf(':', StringComparison.Ordinal);
        return $"{Quoted(part[..colon])}: {Quoted(part[(colon + 1)..])}";
    }

    private static string List(IEnumerable<string> written) => $"[{string.Join(", ", written)}]";

    private static string Stages(IReadOnlyList<IReadOnlyList<RouteAgentOptions>> stages)
    {
        static string One(RouteAgentOptions agent) =>
            agent.Mode is { } mode ? $"{{{Quoted(agent.Agent)}: {RouteFormats.Modes.Write(mode)}}}" : Quoted(agent.Agent);
        return List(stages.Select(static stage => stage.Count == 1 ? One(stage[0]) : List(stage.Select(One))));
    }

    // A path that looks like an endpoint of another kind has its scheme.
    private static string TextOf(AgentEndpoint endpoint) =>
        endpoint is AgentEndpoint.Unix unix && !unix.Path.StartsWith('/') ? $"unix:{unix.Path}" : endpoint.ToString();

    private void Line(int indent, string text, Subject? about = null, Setting? setting = null)
    {
        _text.Append(' ', indent).Append(text);
        if (origins is not null && about is { } subject && origins.TextOf(subject, setting) is { } origin)
        {
            _text.Append("  # ").Append(origin);
        }

        _text.Append('\n');
    }

    private static bool IsPlain(char letter) => char.IsAsciiLetterOrDigit(letter) || "/._-%+".Contains(letter, StringComparison.Ordinal);

    // Plain where every reader takes it for the same text.
    private static string Quoted(string text)
    {
        if (text.Length > 0 && text.All(IsPlain)
            && text[0] is not ('-' or '%' or '.' or '+') && text is not ("null" or "Null" or "NULL"))
        {
            return text;
        }

        var quoted = new StringBuilder("\"");
        foreach (var letter in text)
        {
            _ = letter is '"' or '\\' ? quoted.Append('\\').Append(letter)
                : char.IsControl(letter) || letter is '\u2028' or '\u2029' or '\ufeff'
                    ? quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}")
                    : quoted.Append(letter);
        }

        return quoted.Append('"').ToString();
    }
}
