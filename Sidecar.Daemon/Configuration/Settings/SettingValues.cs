using System.Diagnostics.CodeAnalysis;

namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>
/// What was written for some settings, in one place of the configuration or in several merged. Immutable, so safe for concurrent use;
/// reading takes nothing from the heap but for values that are larger than a reference. Two are equal when the same was written.
/// </summary>
internal sealed class SettingValues : IEquatable<SettingValues>
{
    /// <summary>Nothing was written.</summary>
    public static readonly SettingValues Empty = new([]);

    // Few are written in one place, so that looking through them is quicker than a table.
    private readonly (Setting Setting, object? Value)[] _written;

    private SettingValues((Setting Setting, object? Value)[] written) => _written = written;

    /// <summary>The settings that were written.</summary>
    public IEnumerable<Setting> Written => _written.Select(static one => one.Setting);

    /// <summary>What was written, or else the default.</summary>
    /// <exception cref="InvalidOperationException">Nothing was written, and there is no default.</exception>
    public T Get<T>(Setting<T> setting) => TryGet(setting, out var value) ? value : setting.Default;

    /// <summary>What was written, or else the default for one of those who may have the setting.</summary>
    public T Get<T>(Setting<T> setting, string whose) => TryGet(setting, out var value) ? value : setting.DefaultFor(whose);

    /// <summary>What was written; null when nothing was.</summary>
    public T? Find<T>(Setting<T> setting) where T : struct => TryGet(setting, out var value) ? value : null;

    /// <summary>What was written, as text; null when nothing was.</summary>
    public string? TextOf(Setting setting) => IndexOf(setting) is >= 0 and var at ? setting.Write(_written[at].Value) : null;

    /// <summary>What was written for a setting, as a file has it; nothing where nothing was.</summary>
    public IReadOnlyList<string> PartsOf(Setting setting) => IndexOf(setting) is >= 0 and var at ? setting.WriteParts(_written[at].Value) : [];

    /// <summary>Whether it was written.</summary>
    public bool Has(Setting setting) => IndexOf(setting) >= 0;

    /// <summary>The same with one value written, in place of one that was.</summary>
    public SettingValues With<T>(Setting<T> setting, T value) => WithBoxed(setting, value);

    /// <summary>The same with one value written, or taken away where it is null.</summary>
    public SettingValues With<T>(Setting<T> setting, T? value)
        where T : struct => value is { } given ? WithBoxed(setting, given) : new([.. _written.Where(one => one.Setting != setting)]);

    /// <summary>What was written for the settings of one group.</summary>
    public SettingValues Of(SettingGroup group) => new([.. _written.Where(one => one.Setting.Group == group)]);

    /// <summary>These, and what others say where these say nothing.</summary>
    public SettingValues Over(SettingValues others)
    {
        var merged = others;
        foreach (var (setting, value) in _written)
        {
            var at = others.IndexOf(setting);
            merged = merged.WithBoxed(setting, at < 0 ? value : setting.Merge(value, others._written[at].Value));
        }

        return merged;
    }

    /// <summary>These with every setting of a scope that follows another and was not written, where the other was.</summary>
    public SettingValues Followed(SettingScopes scope)
    {
        var values = this;
        foreach (var setting in SettingsTable.Of(scope))
        {
            if (setting.Follows is { } followed && !Has(setting) && IndexOf(followed) is >= 0 and var at)
            {
                values = values.WithBoxed(setting, _written[at].Value);
            }
        }

        return values;
    }

    public bool Equals(SettingValues? other) => other is not null && _written.Length == other._written.Length && _written.All(
        one => other.Has(one.Setting) && one.Setting.Write(one.Value) == other.TextOf(one.Setting));

    public override bool Equals(object? obj) => Equals(obj as SettingValues);

    public override int GetHashCode() => _written.Sum(static one => one.Setting.Key.Length);

    public override string ToString() =>
        string.Join(',', _written.Select(static one => $"{one.Setting.Key}={one.Setting.Write(one.Value)}"));

    private bool TryGet<T>(Setting<T> setting, [MaybeNullWhen(false)] out T value)
    {
        var at = IndexOf(setting);
        value = at < 0 ? default : (T)_written[at].Value!;
        return at >= 0;
    }

    private int IndexOf(Setting setting)
    {
        for (var i = 0; i < _written.Length; i++)
        {
            if (ReferenceEquals(_written[i].Setting, setting))
            {
                return i;
            }
        }

        return -1;
    }

    private SettingValues WithBoxed(Setting setting, object? value)
    {
        var at = IndexOf(setting);
        (Setting, object?)[] written = [.. _written];
        if (at < 0)
        {
            return new([.. written, (setting, value)]);
        }

        written[at] = (setting, value);
        return new(written);
    }
}

/// <summary>
/// Options that an operator writes as settings. Any setting is read by <see cref="Get{T}(Setting{T})"/>; the members of the records derived
/// from this name those that many read.
/// </summary>
internal abstract record SettingOptions
{
    /// <summary>What was written.</summary>
    public SettingValues Values { get; init; } = SettingValues.Empty;

    /// <summary>What was written for a setting, or else its default.</summary>
    public T Get<T>(Setting<T> setting) => Values.Get(setting);
}
