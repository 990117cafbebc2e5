using System.Text;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>
/// Reads a file, and those that it includes, into a configuration. What is wrong is told, all of it; what could not be read is left out of
/// what is returned. Used once; not safe for concurrent use.
/// </summary>
/// <param name="findings">Is told what is wrong.</param>
/// <param name="origins">Is told where things stand.</param>
/// <param name="reader">Reads files; null for those of the file system.</param>
internal sealed class FileBinder(Findings findings, Origins origins, IFileTexts? reader = null)
{
    private const string Version = "1";

    private readonly Dictionary<string, AgentOptions> _agents = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ListenerOptions> _listeners = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RouteOptions> _routes = new(StringComparer.Ordinal);
    private readonly List<string> _files = [];
    private readonly List<FileText> _texts = [];
    private readonly IFileTexts _reader = reader ?? DiskTexts.All;
    private readonly List<string> _folders = [];
    private SettingValues _values = SettingValues.Empty;

    /// <summary>The files that were read, as far as they exist.</summary>
    public IReadOnlyList<string> Files => _files;

    /// <summary>The texts of those that could be read.</summary>
    public IReadOnlyList<FileText> Texts => _texts;

    /// <summary>The directories in which files were looked for that are included.</summary>
    public IReadOnlyList<string> Folders => _folders;

    /// <summary>Reads a file and what it includes.</summary>
    public ConfigurationSnapshot Read(string path)
    {
        if (Load(path) is { } root)
        {
            Bind(path, root);
        }

        return Result();
    }

    /// <summary>Reads a document that is in no file, which includes nothing.</summary>
    /// <param name="name">Its name, for messages; paths are relative to its directory.</param>
    /// <param name="utf8">Its bytes.</param>
    public ConfigurationSnapshot Read(string name, ReadOnlySpan<byte> utf8)
    {
        if (DocumentReader.Read(name, utf8, findings) is { } root)
        {
            Bind(name, root, canInclude: false);
        }

        return Result();
    }

    private ConfigurationSnapshot Result() => new()
    {
        Agents = [.. _agents.Values],
        Listeners = [.. _listeners.Values],
        Routes = [.. _routes.Values],
        Values = _values,
    };

    private DocumentNode? Load(string path)
    {
        _files.Add(path);
        try
        {
            var utf8 = _reader.Read(path);
            _texts.Add(new(Path.GetFullPath(path), Encoding.UTF8.GetString(utf8)));
            return DocumentReader.Read(path, utf8, findings);
        }
        catch (IOException e)
        {
            findings.Error(null, e.Message);
            return null;
        }
    }

    private void Bind(string path, DocumentNode root, bool canInclude = true)
    {
        var scope = new FileScope(DirectoryOf(path), findings, origins);
        var keys = new KeyReader(scope, Subject.Daemon, root.At, KeyTree.OfDaemon);
        var defaults = new KeyReader(scope, Subject.Daemon, root.At, KeyTree.OfDefaults);
        var unmatched = SettingValues.Empty;
        MappingEntry? include = null;
        keys.Read(root, new Dictionary<string, Action<MappingEntry>>(Things(scope, isIncluded: false), StringComparer.Ordinal)
        {
            ["version"] = entry => CheckVersion(scope, entry),
            ["include"] = entry => include = entry,
            ["unmatched"] = entry => unmatched = RouteNodes.ReadUnmatched(scope, entry, unmatched),
            ["defaults"] = entry => defaults.Read(entry.Value),
        });
        if (root is MappingNode mapping && mapping.Find("version") is null)
        {
            findings.Error(root.At, $"the file does not say how it is to be read; begin it with version: {Version}");
        }

        _values = unmatched.Over(defaults.Values).Over(keys.Values);
        if (include is not null && canInclude)
        {
            Include(scope, path, include);
        }
    }

    private Dictionary<string, Action<MappingEntry>> Things(FileScope scope, bool isIncluded) => new(StringComparer.Ordinal)
    {
        ["listeners"] = entry => Each(scope, entry, one => Keep(_listeners, one, ReadListener(scope, one, isIncluded), Subject.Listener)),
        ["agents"] = entry => Each(scope, entry, one => Keep(_agents, one, AgentNodes.Read(scope, one), Subject.Agent)),
        ["routes"] = entry => Routes(scope, entry),
    };

    // Whoever may write an included file need not be one who may take agents away, or pass for one.
    private ListenerOptions? ReadListener(FileScope scope, MappingEntry entry, bool isIncluded)
    {
        var read = ListenerNodes.Read(scope, entry);
        if (!isIncluded || read is not { Kind: ListenerKind.Admin or ListenerKind.Reverse })
        {
            return read;
        }

        findings.Error(
            entry.Key.At,
            $"listener {entry.Key.Text}: one for operators (admin) or for agents that dial in (reverse) is not taken from an included file; "
            + "write it in the file that includes this");
        return null;
    }

    private void Include(FileScope scope, string path, MappingEntry entry)
    {
        var included = IncludedFiles.Find(scope, _reader, path, entry, _folders);
        foreach (var file in included)
        {
            // The file itself may be one, as where a shell writes it; one that is found by a pattern is not meant to be.
            if (_reader.IsEndless(file))
            {
                findings.Error(entry.Value.At, $"include: {file} is a pipe, a device or a socket; include files");
            }
            else if (Load(file) is { } root)
            {
                var inner = scope with { Directory = DirectoryOf(file) };
                new KeyReader(inner, Subject.Daemon, root.At, KeyTree.Nothing).Read(
                    root,
                    new Dictionary<string, Action<MappingEntry>>(Things(inner, isIncluded: true), StringComparer.Ordinal)
                    {
                        ["version"] = version => CheckVersion(inner, version),
                    });
            }
        }
    }

    private void CheckVersion(FileScope scope, MappingEntry entry)
    {
        if (scope.TextOf(entry, Version) is { } text && text != Version)
        {
            findings.Error(entry.Value.At, $"version: {text} is not known here; this daemon reads version: {Version}");
        }
    }

    private static void Each(FileScope scope, MappingEntry entry, Action<MappingEntry> read)
    {
        if (entry.Value is not MappingNode mapping)
        {
            scope.Findings.Error(entry.Value.At, $"{entry.Key.Text}: here stands {entry.Value.What}; write NAME: with keys below it");
            return;
        }

        foreach (var one in mapping.Entries)
        {
            // A listener that flags brought has a colon in its name, and is shown by it.
            if (IdProblem(entry.Key.Text == "listeners" ? one.Key.Text.Replace(':', '-') : one.Key.Text) is { } problem)
            {
                scope.Findings.Error(one.Key.At, $"{entry.Key.Text}: {problem}");
            }

            read(one);
        }
    }

    private void Routes(FileScope scope, MappingEntry entry)
    {
        if (entry.Value is not SequenceNode list)
        {
            scope.Findings.Error(
                entry.Value.At,
                $"routes: here stands {entry.Value.What}; the order of routes counts, so write a list: - name: NAME, and keys below it");
            return;
        }

        foreach (var item in list.Items)
        {
            var before = item is MappingNode mapping && mapping.Find("name") is ScalarNode name
                ? origins.Find(Subject.Route(name.Text))
                : null;
            if (RouteNodes.Read(scope, item) is { } route && !_routes.TryAdd(route.Id, route))
            {
                findings.Error(item.At, $"route {route.Id} is given twice; it stands at {before}, too: give one another name");
            }
        }
    }

    private void Keep<T>(Dictionary<string, T> all, MappingEntry entry, T? read, Func<string, Subject> subjectOf)
        where T : class
    {
        // One file cannot have a key twice, but two can.
        if (read is not null && !all.TryAdd(entry.Key.Text, read))
        {
            findings.Error(entry.Key.At, $"{subjectOf(entry.Key.Text)} is given twice, in this file and in another: leave one out");
        }
    }

    private static string? IdProblem(string id) =>
        id.Length is > 0 and <= 64 && id.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.')
            ? null
            : $"the name '{id}' may have 1 to 64 letters, digits, '-', '_' and '.'";

    private static string DirectoryOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
}
