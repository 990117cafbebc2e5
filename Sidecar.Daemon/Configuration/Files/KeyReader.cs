using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Reads keys of one thing of a file through the settings' table. Used once; not safe for concurrent use.</summary>
/// <param name="scope">Where they stand.</param>
/// <param name="about">What they are said of.</param>
/// <param name="at">Where that is named.</param>
/// <param name="tree">The keys that may be there.</param>
internal sealed class KeyReader(FileScope scope, Subject about, SourcePosition at, KeyTree tree) : ISettingPlace
{
    private readonly Dictionary<Setting, SourcePosition> _places = [];

    /// <summary>What was written, as far as it could be read.</summary>
    public SettingValues Values { get; set; } = SettingValues.Empty;

    /// <summary>Reads the keys of a mapping.</summary>
    /// <param name="node">What stands there; an error unless it is a mapping.</param>
    /// <param name="others">Keys that are no settings or are read otherwise, with who reads them.</param>
    public void Read(DocumentNode node, IReadOnlyDictionary<string, Action<MappingEntry>>? others = null) =>
        Read(node, tree, others ?? new Dictionary<string, Action<MappingEntry>>(StringComparer.Ordinal));

    /// <summary>Reads what stands below one key of the mapping, which is a setting or has settings below it.</summary>
    public void Read(MappingEntry entry) => Read(entry, tree);

    /// <summary>Notes that a setting was written.</summary>
    public void Note(Setting setting, SourcePosition place)
    {
        _places[setting] = place;
        scope.Origins.Add(about, setting, place);
    }

    public bool IsWritten(Setting setting) => _places.ContainsKey(setting);

    public string NameOf(Setting setting) => setting.FilePath;

    public string TextOf(Setting setting, string value) => $"{setting.FilePath}: {value}";

    public void Error(string message) => scope.Findings.Error(at, $"{about}: {message}");

    public void Error(Setting setting, string message) =>
        scope.Findings.Error(_places.TryGetValue(setting, out var place) ? place : at, $"{setting.FilePath}: {message}");

    private void Read(DocumentNode node, KeyTree keys, IReadOnlyDictionary<string, Action<MappingEntry>> others)
    {
        if (node is not MappingNode mapping)
        {
            scope.Findings.Error(
                node.At, $"here stands {node.What}; write keys with values: {string.Join(", ", others.Keys.Union(keys.Keys))}");
            return;
        }

        foreach (var entry in mapping.Entries)
        {
            if (others.TryGetValue(entry.Key.Text, out var other))
            {
                other(entry);
            }
            else if (keys.SettingOf(entry.Key.Text) is null && keys.Below(entry.Key.Text) is null)
            {
                scope.Unknown(entry.Key, [.. others.Keys, .. keys.Keys]);
            }
            else
            {
                Read(entry, keys);
            }
        }
    }

    private void Read(MappingEntry entry, KeyTree keys)
    {
        if (keys.Below(entry.Key.Text) is { } below)
        {
            Read(entry.Value, below, new Dictionary<string, Action<MappingEntry>>(StringComparer.Ordinal));
        }
        else if (keys.SettingOf(entry.Key.Text) is { } setting && Parts(setting, entry) is { } parts)
        {
            Note(setting, entry.Value.At);
            Values = setting.ReadParts(parts, Values, problem => Error(setting, problem));
        }
    }

    // Null, with an error, when what stands there has not the shape of the setting.
    private List<string>? Parts(Setting setting, MappingEntry entry)
    {
        var shape = setting.Form.Shape;
        switch (entry.Value)
        {
            case SequenceNode list when shape == ValueShape.List:
                return Items(setting, list);
            case MappingNode map when shape == ValueShape.Map:
                var pairs = map.Entries.Select(pair => Text(setting, pair.Value) is { } text ? $"{pair.Key.Text}:{text}" : null).ToList();
                return pairs.Contains(null) ? null : [.. pairs.OfType<string>()];
            case ScalarNode:
                return Text(setting, entry.Value) is { } one ? [one] : null;
            default:
                scope.Findings.Error(
                    entry.Value.At, $"{setting.FilePath}: here stands {entry.Value.What}; write {setting.FilePath}: {setting.Placeholder}");
                return null;
        }
    }

    // Each by itself first, so that an error has the place of its item.
    private List<string>? Items(Setting setting, SequenceNode list)
    {
        var items = new List<string>();
        var isFine = true;
        foreach (var item in list.Items)
        {
            if (Text(setting, item) is not { } text)
            {
                isFine = false;
                continue;
            }

            items.Add(text);
            setting.ReadParts([text], SettingValues.Empty, problem =>
            {
                isFine = false;
                scope.Findings.Error(item.At, $"{setting.FilePath}: {problem}");
            });
        }

        if (isFine && items.Count == 0 && !setting.CanBeEmpty)
        {
            scope.Findings.Error(list.At, $"{setting.FilePath}: the list is empty; leave {setting.FilePath} out, or name something");
            return null;
        }

        return isFine ? items : null;
    }

    private string? Text(Setting setting, DocumentNode node)
    {
        var problem = node is not ScalarNode { Text: var text } ? $"here stands {node.What}; write text"
            : node.IsMissing ? $"has no value; write {setting.FilePath}: {setting.Placeholder}"
            : text.Length == 0 && setting.Form.Shape == ValueShape.One && !setting.CanBeEmpty ? "is empty; leave it out, or write a value"
            : text.Length == 0 && setting.Form.Shape != ValueShape.One ? "has an empty text; leave it out"
            : null;
        if (problem is not null)
        {
            scope.Findings.Error(node.At, $"{setting.FilePath}: {problem}");
            return null;
        }

        var written = ((ScalarNode)node).Text;
        return setting.Form.IsPath ? SocketPaths.In(scope.Directory, written) : written;
    }
}

/// <summary>What the readers of one file share.</summary>
/// <param name="Directory">The file's directory, to which paths in it are relative.</param>
/// <param name="Findings">Is told what is wrong.</param>
/// <param name="Origins">Is told where things were written.</param>
internal sealed record FileScope(string Directory, Findings Findings, Origins Origins)
{
    /// <summary>Says that a key is none of those that may stand there.</summary>
    public void Unknown(ScalarNode key, IReadOnlyList<string> known) => Findings.Error(
        key.At,
        $"'{key.Text}' is none of the keys here{Nearest.Hint(key.Text, known, $"; they are {string.Join(", ", known.Distinct())}")}");

    /// <summary>The one text that stands there; null, with an error, when something else does.</summary>
    /// <param name="entry">The key and what stands behind it.</param>
    /// <param name="placeholder">What to write.</param>
    public string? TextOf(MappingEntry entry, string placeholder)
    {
        if (entry.Value is ScalarNode { IsMissing: false, Text.Length: > 0 } value)
        {
            return value.Text;
        }

        Findings.Error(entry.Value.At, $"{entry.Key.Text}: here stands {entry.Value.What}; write {entry.Key.Text}: {placeholder}");
        return null;
    }

    /// <summary>The texts that stand there, in a list or alone; with an error where something else does.</summary>
    public IEnumerable<ScalarNode> TextsOf(MappingEntry entry, string placeholder)
    {
        IReadOnlyList<DocumentNode> items = entry.Value is SequenceNode list ? list.Items : [entry.Value];
        if (items.Count == 0)
        {
            Findings.Error(entry.Value.At, $"{entry.Key.Text}: the list is empty; write {entry.Key.Text}: [{placeholder}]");
        }

        foreach (var item in items)
        {
            if (item is ScalarNode { IsMissing: false, Text.Length: > 0 } text)
            {
                yield return text;
            }
            else
            {
                Findings.Error(item.At, $"{entry.Key.Text}: here stands {item.What}; write {placeholder}");
            }
        }
    }
}
