namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>
/// One knob, written once: from here come its flag, its keys, how it is read, checked, merged and written, and what help and documentation
/// say of it. Immutable; compared by reference.
/// </summary>
internal abstract class Setting(string key)
{
    // Kinds of listeners that are named instead of those that have the setting.
    private const int MostMissing = 2;

    private readonly string? _flag;
    private readonly SettingScopes? _scopes;

    /// <summary>Its name as a key, for example <c>connections</c>.</summary>
    public string Key => key;

    /// <summary>Its name as a flag; the key with two dashes unless it has another.</summary>
    public string Flag { get => _flag ?? "--" + key; init => _flag = value; }

    /// <summary>
    /// Where it stands in the configuration file below what it is said of, with dots between keys, for example <c>pool.queue</c>; empty for
    /// a flag that is of one start.
    /// </summary>
    public string FilePath { get; init; } = key.Replace('-', '_');

    /// <summary>The heading under which it is shown.</summary>
    public required SettingGroup Group { get; init; }

    /// <summary>Where it may be written; as its group unless it says otherwise.</summary>
    public SettingScopes Scopes { get => _scopes ?? Group.Scopes; init => _scopes = value; }

    /// <summary>What it does, one line of help without default and unit.</summary>
    public required string Help { get; init; }

    /// <summary>The reason of the default, and what else an operator should know, for the documentation.</summary>
    public string Why { get; init; } = "";

    /// <summary>Whether it is a flag without value, which is <c>yes</c> where it is given.</summary>
    public bool IsSwitch { get; init; }

    /// <summary>Whether its flag may be given many times; what is given then is one text, joined by <c>+</c>.</summary>
    public bool IsRepeatable { get; init; }

    /// <summary>
    /// Where it may be written besides where its group says, or where alone, for example <c>also of spop</c>; empty for nothing.
    /// </summary>
    public string ScopeNote
    {
        get
        {
            var more = Scopes & ~(Group.Scopes | SettingScopes.Run | SettingScopes.Agent | SettingScopes.Json);
            var missing = Group.Scopes & ~Scopes;
            return more != 0 ? $"also of {more.Words()}"
                : missing == 0 ? ""
                : int.PopCount((int)missing) <= MostMissing ? $"not of {missing.Words()}"
                : $"of {Scopes.Words()}";
        }
    }

    /// <summary>What help shows in place of a value.</summary>
    public abstract string Placeholder { get; }

    /// <summary>What may be written where the placeholder stands for some words; empty where it does not.</summary>
    public abstract string Choices { get; }

    /// <summary>From where to where; empty where there is no range.</summary>
    public abstract string Range { get; }

    /// <summary>The default with its unit, as help and documentation show it.</summary>
    public abstract string DefaultText { get; }

    /// <summary>
    /// The default as it would be written; null where there is none, empty where nothing can be written that means the same.
    /// </summary>
    public abstract string? WrittenDefault { get; }

    /// <summary>Whether the text may be empty.</summary>
    public abstract bool CanBeEmpty { get; }

    /// <summary>
    /// The setting of the same agent or listener whose value counts where this is not written and that is; null for none.
    /// </summary>
    public abstract Setting? Follows { get; }

    /// <summary>What was written, with this value added; as it was, with at least one error, when the text cannot be read.</summary>
    /// <param name="text">The value as written.</param>
    /// <param name="values">What was written before.</param>
    /// <param name="error">Is told what is wrong, without the place.</param>
    public abstract SettingValues Read(string text, SettingValues values, Action<string> error);

    /// <summary>How its value is written in a file.</summary>
    public abstract ValueForm Form { get; }

    /// <summary>As <see cref="Read"/>, but as a file has it.</summary>
    /// <param name="parts">The value; the items of a list; of keys with values each as <c>KEY:VALUE</c>.</param>
    /// <param name="values">What was written before.</param>
    /// <param name="error">Is told what is wrong, without the place.</param>
    public abstract SettingValues ReadParts(IReadOnlyList<string> parts, SettingValues values, Action<string> error);

    /// <summary>A value of this setting as a file has it, from which <see cref="ReadParts"/> makes the same.</summary>
    public abstract IReadOnlyList<string> WriteParts(object? value);

    /// <summary>A value of this setting as text, from which <see cref="Read"/> makes the same.</summary>
    public abstract string Write(object? value);

    /// <summary>One's own value over another's, for example an agent's over the daemon's.</summary>
    public abstract object? Merge(object? own, object? other);
}

/// <summary>A knob whose values are of one type.</summary>
/// <param name="key">Its name as a key.</param>
/// <param name="format">How its values are written.</param>
internal sealed class Setting<T>(string key, ValueFormat<T> format) : Setting(key)
{
    private readonly T _default = default!;

    /// <summary>What counts where nothing is written, unless there is a variant of it.</summary>
    /// <exception cref="InvalidOperationException">It has none: what then counts is not said by this setting alone.</exception>
    public T Default
    {
        get => HasDefault ? _default : throw new InvalidOperationException($"{Key} has no default");
        init => (_default, HasDefault) = (value, true);
    }

    /// <summary>Defaults for some of those who may have the setting, by the word for them.</summary>
    public IReadOnlyList<(string Whose, T Value)> Variants { get; init; } = [];

    /// <summary>The default in words, where it has no value or its value says little.</summary>
    public string? DefaultWords { get; init; }

    /// <summary>What follows: the setting whose value counts where this is not written.</summary>
    public Setting<T>? FollowsSetting { get; init; }

    /// <summary>How two values become one, where one's own does not simply replace the other.</summary>
    public Func<T, T, T>? Merging { get; init; }

    public override string Placeholder => format.Placeholder;

    public override string Choices => format.Choices;

    public override string Range => format.Range;

    public override bool CanBeEmpty => format.CanBeEmpty;

    public override Setting? Follows => FollowsSetting;

    public override string DefaultText => string.Join(
        "; ",
        [
            DefaultWords ?? $"{Shown(WrittenDefault)} {format.Unit}".TrimEnd(),
            .. Variants.GroupBy(variant => Shown(format.Write(variant.Value)), static variant => variant.Whose)
                .Select(static same => $"{string.Join(", ", same)} {same.Key}"),
        ]);

    public override string? WrittenDefault => HasDefault && _default is not null ? format.Write(_default) : null;

    private bool HasDefault { get; set; }

    /// <summary>What counts for one of those who may have the setting where nothing is written.</summary>
    public T DefaultFor(string whose)
    {
        foreach (var (name, value) in Variants)
        {
            if (name == whose)
            {
                return value;
            }
        }

        return Default;
    }

    public override SettingValues Read(string text, SettingValues values, Action<string> error) =>
        format.TryRead(text, error, out var value) ? values.With(this, value) : values;

    public override ValueForm Form => format.InFile.Form;

    public override SettingValues ReadParts(IReadOnlyList<string> parts, SettingValues values, Action<string> error)
    {
        if (format.InFile.ReadingParts is null && parts.Count != 1)
        {
            error($"has {parts.Count} values and takes one of {Placeholder}");
            return values;
        }

        return format.InFile.TryReadParts(parts, error, out var value) ? values.With(this, value) : values;
    }

    public override IReadOnlyList<string> WriteParts(object? value) => format.InFile.WriteParts((T)value!);

    public override string Write(object? value) => format.Write((T)value!);

    public override object? Merge(object? own, object? other) => Merging is null ? own : Merging((T)own!, (T)other!);

    private static string Shown(string? text) => string.IsNullOrEmpty(text) ? Formats.None : text;
}
