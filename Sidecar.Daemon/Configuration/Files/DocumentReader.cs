using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>
/// Reads one YAML document into nodes with their places, over the parser's events. What lets one text mean several things is refused: keys
/// given twice, tags, merge keys, several documents, characters that end a line for some readers only.
/// </summary>
internal sealed class DocumentReader
{
    /// <summary>Most bytes of a file: 1 MiB, thousands of routes.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Deepest nesting: 32, four times what any key of ours needs.</summary>
    public const int MaxDepth = 32;

    /// <summary>Most nodes, each expansion of an alias counted with all that it stands for: 10,000.</summary>
    public const int MaxNodes = 10_000;

    private readonly Dictionary<string, Anchor> _anchors = new(StringComparer.Ordinal);
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private readonly string _file;
    private readonly Findings _findings;
    private readonly Parser _parser;
    private int _nodes;

    private DocumentReader(string file, string text, Findings findings)
    {
        (_file, _findings) = (file, findings);
        _parser = new Parser(new Scanner(new StringReader(text), skipComments: true));
    }

    /// <summary>Reads a document.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="utf8">Its bytes.</param>
    /// <param name="findings">Is told what is wrong.</param>
    /// <returns>The document; null, with an error, when it cannot be read.</returns>
    public static DocumentNode? Read(string file, ReadOnlySpan<byte> utf8, Findings findings)
    {
        if (utf8.Length > MaxBytes)
        {
            findings.Error(new(file, 1, 1), $"the file has more than {MaxBytes} bytes; put parts of it into files of their own (include)");
            return null;
        }

        if (DocumentText.Of(file, utf8, findings) is not { } text)
        {
            return null;
        }

        var reader = new DocumentReader(file, text, findings);
        try
        {
            return reader.ReadDocument();
        }
        catch (RefusedException e)
        {
            findings.Error(e.At, e.Message);
        }
        catch (YamlException e)
        {
            findings.Error(SourcePosition.Of(file, e.Start), $"this is no YAML: {MessageOf(e)}");
        }
        catch (InvalidOperationException)
        {
            // The scanner gives up in this way where a text goes on in another line in which it may not.
            var end = reader._parser.Current?.End ?? Mark.Empty;
            findings.Error(SourcePosition.Of(file, end), "this is no YAML; look for a bracket or a quote behind this that is not closed");
        }

        return null;
    }

    // The parser writes the place into its message, too.
    private static string MessageOf(YamlException e)
    {
        var end = e.Message.StartsWith("(Line:", StringComparison.Ordinal) ? e.Message.IndexOf("): ", StringComparison.Ordinal) : -1;
        return end < 0 ? e.Message : e.Message[(end + 3)..];
    }

    private DocumentNode? ReadDocument()
    {
        Next<StreamStart>();
        if (!_parser.MoveNext() || _parser.Current is not DocumentStart start)
        {
            throw Refused(new SourcePosition(_file, 1, 1), "the file is empty; it begins with version: 1");
        }

        if (start.Version is not null || (start.Tags?.Any(static tag => tag.Handle is not ("!" or "!!")) ?? false))
        {
            throw Refused(start, "directives (%YAML, %TAG) are not taken here; leave the line out");
        }

        _parser.MoveNext();
        var root = ReadNode(1);
        Next<DocumentEnd>();
        return _parser.MoveNext() && _parser.Current is DocumentStart second
            ? throw Refused(second, "a second document begins here; a configuration is one, so write it into another file and include that")
            : root.Node;
    }

    // The current event is the node's first; afterwards it is its last.
    private Anchor ReadNode(int depth)
    {
        var begin = _parser.Current!;
        if (depth > MaxDepth)
        {
            throw Refused(begin, $"this is nested deeper than {MaxDepth} levels");
        }

        if (begin is AnchorAlias alias)
        {
            return Expand(alias, depth);
        }

        Count(1, begin);
        if (begin is not NodeEvent node)
        {
            throw Refused(begin, "this is no YAML: a key or its value is missing before this");
        }

        if (!node.Tag.IsEmpty)
        {
            throw Refused(begin, $"the tag {node.Tag} is not taken here; a value is text, a list or keys with values: leave the tag out");
        }

        // No path, name or address has one, and calls of the system end there.
        if (begin is Scalar { Value: var value } && value.Contains('\0', StringComparison.Ordinal))
        {
            throw Refused(begin, "a text may not have a NUL (\\0); leave it out");
        }

        var name = node.Anchor.IsEmpty ? null : node.Anchor.Value;
        if (name is not null && !_open.Add(name))
        {
            throw Refused(begin, $"the anchor &{name} is in itself; give one of them another name");
        }

        var before = _nodes;
        var read = begin switch
        {
            Scalar scalar => new(
                new ScalarNode(At(scalar), scalar.Value, scalar.Style == ScalarStyle.Plain), Depth: 1, Nodes: 1),
            SequenceStart => ReadSequence(begin, depth),
            _ => ReadMapping(begin, depth),
        };
        read = read with { Nodes = _nodes - before + 1 };
        if (name is not null)
        {
            _open.Remove(name);
            _anchors[name] = read;
        }

        return read;
    }

    private Anchor ReadSequence(ParsingEvent begin, int depth)
    {
        var items = new List<DocumentNode>();
        var deepest = 0;
        while (_parser.MoveNext() && _parser.Current is not SequenceEnd)
        {
            var item = ReadNode(depth + 1);
            items.Add(item.Node);
            deepest = Math.Max(deepest, item.Depth);
        }

        return new(new SequenceNode(At(begin), items), deepest + 1, 0);
    }

    private Anchor ReadMapping(ParsingEvent begin, int depth)
    {
        var entries = new List<MappingEntry>();
        var keys = new Dictionary<string, ScalarNode>(StringComparer.Ordinal);
        var deepest = 0;
        while (_parser.MoveNext() && _parser.Current is not MappingEnd)
        {
            var at = _parser.Current!;
            if (at is not Scalar || ReadNode(depth + 1).Node is not ScalarNode key)
            {
                throw Refused(at, at is AnchorAlias ? "a key cannot be an alias; write it" : "a key must be one word");
            }

            // The parser leaves out the value of one, and takes keys for values from there on.
            if (key.Text.Length == 0)
            {
                throw Refused(at, "there is no key before the ':'; write one");
            }

            if (key is { Text: "<<", IsPlain: true })
            {
                throw Refused(at, "merge keys (<<) are not taken here; write the keys, or put what all agents have under defaults");
            }

            if (!keys.TryAdd(key.Text, key))
            {
                _findings.Error(
                    key.At, $"key {key.Text} is given twice; it stands in line {keys[key.Text].At.Line}, too: leave one out");
            }

            _parser.MoveNext();
            var value = ReadNode(depth + 1);
            entries.Add(new(key, value.Node));
            deepest = Math.Max(deepest, value.Depth);
        }

        return new(new MappingNode(At(begin), entries), deepest + 1, 0);
    }

    private Anchor Expand(AnchorAlias alias, int depth)
    {
        if (_open.Contains(alias.Value.Value))
        {
            throw Refused(alias, $"the alias *{alias.Value.Value} stands inside of what it names, which would never end");
        }

        if (!_anchors.TryGetValue(alias.Value.Value, out var named))
        {
            throw Refused(alias, $"the alias *{alias.Value.Value} names nothing that stands before it; write &{alias.Value.Value} there");
        }

        if (depth + named.Depth - 1 > MaxDepth)
        {
            throw Refused(alias, $"with what the alias stands for this is nested deeper than {MaxDepth} levels");
        }

        Count(named.Nodes, alias);
        return named;
    }

    private void Count(int nodes, ParsingEvent at)
    {
        _nodes += nodes;
        if (_nodes > MaxNodes)
        {
            throw Refused(
                at, $"up to here the file has more than {MaxNodes} values, with what aliases stand for; put parts into files of their own");
        }
    }

    private void Next<T>()
        where T : ParsingEvent
    {
        if (!_parser.MoveNext() || _parser.Current is not T)
        {
            throw Refused(_parser.Current is { } current ? At(current) : new SourcePosition(_file, 1, 1), "this is no YAML document");
        }
    }

    private SourcePosition At(ParsingEvent at) => SourcePosition.Of(_file, at.Start);

    private RefusedException Refused(ParsingEvent at, string message) => Refused(At(at), message);

    private static RefusedException Refused(SourcePosition at, string message) => new(at, message);

    // What was read: its levels, and its nodes with those behind aliases.
    private readonly record struct Anchor(DocumentNode Node, int Depth, int Nodes);

    private sealed class RefusedException(SourcePosition at, string message) : Exception(message)
    {
        public SourcePosition At => at;
    }
}
