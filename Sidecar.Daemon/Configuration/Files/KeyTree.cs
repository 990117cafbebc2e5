using System.Collections.Frozen;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>The keys that may stand in one place of a file, made of the settings' table. Immutable.</summary>
internal sealed class KeyTree
{
    private static readonly FrozenDictionary<SettingScopes, KeyTree> Trees = Enum.GetValues<SettingScopes>()
        .Where(static scope => int.PopCount((int)scope) == 1 && scope != SettingScopes.Run)
        .ToFrozenDictionary(static scope => scope, static scope => new KeyTree(SettingsTable.Of(scope)));

    private readonly SortedDictionary<string, object> _keys = new(StringComparer.Ordinal);

    private KeyTree(IEnumerable<Setting> settings)
    {
        foreach (var setting in settings.Where(static setting => setting.FilePath.Length > 0))
        {
            var path = setting.FilePath.Split('.');
            var place = this;
            foreach (var key in path.AsSpan(0, path.Length - 1))
            {
                place._keys.TryAdd(key, new KeyTree([]));
                place = (KeyTree)place._keys[key];
            }

            place._keys.Add(path[^1], setting);
        }
    }

    /// <summary>No key at all.</summary>
    public static KeyTree Nothing { get; } = new([]);

    /// <summary>What may be said of all agents, which each may say for itself.</summary>
    public static KeyTree OfDefaults { get; } =
        new(SettingsTable.Of(SettingScopes.Run).Where(static setting => setting.Scopes.HasFlag(SettingScopes.RunAndAgent)));

    /// <summary>What may be said of the daemon itself.</summary>
    public static KeyTree OfDaemon { get; } =
        new(SettingsTable.Of(SettingScopes.Run).Where(static setting => !setting.Scopes.HasFlag(SettingScopes.Agent)));

    /// <summary>The keys, sorted.</summary>
    public IReadOnlyCollection<string> Keys => _keys.Keys;

    /// <summary>The keys of an agent, a route, or a listener of one kind.</summary>
    public static KeyTree Of(SettingScopes scope) => Trees[scope];

    /// <summary>The setting that a key is; null when it is none.</summary>
    public Setting? SettingOf(string key) => _keys.GetValueOrDefault(key) as Setting;

    /// <summary>What stands below a key; null when nothing does.</summary>
    public KeyTree? Below(string key) => _keys.GetValueOrDefault(key) as KeyTree;
}
