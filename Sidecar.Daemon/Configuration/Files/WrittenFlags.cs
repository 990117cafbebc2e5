using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>The flags of a command line that say something of the configuration, as they were written. Immutable.</summary>
internal sealed record WrittenFlags
{
    /// <summary>What each <c>--agent</c> says.</summary>
    public IReadOnlyList<string> Agents { get; init; } = [];

    /// <summary>What each <c>--listen</c> says.</summary>
    public IReadOnlyList<string> Listeners { get; init; } = [];

    /// <summary>What each <c>--route</c> says.</summary>
    public IReadOnlyList<string> Routes { get; init; } = [];

    /// <summary>The settings of the whole daemon, each with what was written.</summary>
    public IReadOnlyList<(Setting Setting, string Text)> Settings { get; init; } = [];

    /// <summary>Whether they say which agents, listeners or routes there are, so that no file is looked for that nobody named.</summary>
    public bool SaysWhatThereIs => Agents.Count + Listeners.Count + Routes.Count > 0;

    /// <summary>What they say, as far as it can be read.</summary>
    /// <param name="findings">Is told what is wrong.</param>
    /// <param name="origins">Is told what was written by which flag.</param>
    public ConfigurationSnapshot Read(Findings findings, Origins origins)
    {
        var values = SettingValues.Empty;
        foreach (var (setting, text) in Settings)
        {
            values = ReadSetting(setting, setting.Flag, text, values, findings);
            origins.Add(Subject.Daemon, setting, setting.Flag);
        }

        return new()
        {
            Agents = Each(Agents, AgentFlag.Parse, findings),
            Listeners = Each(Listeners, ListenerFlag.Parse, findings),
            Routes = Each(Routes, RouteFlag.Parse, findings),
            Values = values,
        };
    }

    /// <summary>A configuration with what these flags say in place of it; agents, listeners and routes of the same name become one.</summary>
    /// <param name="flags">What they say.</param>
    /// <param name="file">The configuration.</param>
    /// <param name="origins">Is told what was written by which flag.</param>
    public static ConfigurationSnapshot Over(ConfigurationSnapshot flags, ConfigurationSnapshot file, Origins origins)
    {
        void Note(Subject about, string flag, SettingOptions options, bool isNew)
        {
            foreach (var setting in options.Values.Written)
            {
                origins.Add(about, setting, flag);
            }

            if (isNew)
            {
                origins.Add(about, null, flag);
            }
        }

        List<AgentOptions> agents = [.. file.Agents];
        foreach (var agent in flags.Agents)
        {
            var at = agents.FindIndex(other => other.Id == agent.Id);
            Put(agents, at, at < 0 ? agent : agent with { Values = agent.Values.Over(agents[at].Values) }, first: false);
            Note(Subject.Agent(agent.Id), "--agent", agent, at < 0);
        }

        List<ListenerOptions> listeners = [.. file.Listeners];
        foreach (var listener in flags.Listeners)
        {
            var at = listeners.FindIndex(other => other.Place == listener.Place && other.Kind == listener.Kind);
            var merged = at < 0
                ? listener
                : listener with { GivenName = listeners[at].GivenName, Values = listener.Values.Over(listeners[at].Values) };
            Put(listeners, at, merged, first: false);
            Note(Subject.Listener(merged.Name), "--listen", listener, at < 0);
        }

        // Before those of the file: behind one that takes everything they would never be asked.
        List<RouteOptions> routes = [.. file.Routes];
        foreach (var route in flags.Routes.Reverse())
        {
            var at = routes.FindIndex(other => other.Id == route.Id);
            Put(routes, at, at < 0 ? route : route with { Values = route.Values.Over(routes[at].Values) }, first: true);
            Note(Subject.Route(route.Id), "--route", route, at < 0);
        }

        return file with { Agents = agents, Listeners = listeners, Routes = routes, Values = flags.Values.Over(file.Values) };
    }

    /// <summary>The settings of the whole daemon that the environment says: <c>SIDECAR_</c> and the key, for example <c>SIDECAR_QUEUE</c>.</summary>
    /// <param name="variable">The value of a variable; null where it is not set.</param>
    /// <param name="findings">Is told what is wrong.</param>
    /// <param name="origins">Is told what was written by which variable.</param>
    public static SettingValues ReadEnvironment(Func<string, string?> variable, Findings findings, Origins origins)
    {
        var values = SettingValues.Empty;
        foreach (var setting in SettingsTable.Of(SettingScopes.Run).Where(static setting => setting.FilePath.Length > 0))
        {
            var name = VariableOf(setting);
            if (variable(name) is { } text)
            {
                values = ReadSetting(setting, name, text, values, findings);
                origins.Add(Subject.Daemon, setting, name);
            }
        }

        return values;
    }

    /// <summary>The variable of the environment that a setting is.</summary>
    public static string VariableOf(Setting setting) => "SIDECAR_" + setting.Key.ToUpperInvariant().Replace('-', '_');

    private static SettingValues ReadSetting(Setting setting, string name, string text, SettingValues values, Findings findings)
    {
        if (text.Length > 0 || setting.CanBeEmpty)
        {
            return setting.Read(text, values, problem => findings.Error(null, $"{name}: {problem}"));
        }

        findings.Error(null, $"{name}: has no value; write {name}{(name[0] == '-' ? ' ' : '=')}{setting.Placeholder}");
        return values;
    }

    private static List<T> Each<T>(IReadOnlyList<string> texts, Func<string, List<string>, T?> parse, Findings findings)
        where T : class
    {
        var errors = new List<string>();
        List<T> all = [.. texts.Select(text => parse(text, errors)).OfType<T>()];
        foreach (var error in errors)
        {
            findings.Error(null, error);
        }

        return all;
    }

    private static void Put<T>(List<T> all, int at, T one, bool first)
    {
        if (at >= 0)
        {
            all[at] = one;
        }
        else
        {
            all.Insert(first ? 0 : all.Count, one);
        }
    }
}
