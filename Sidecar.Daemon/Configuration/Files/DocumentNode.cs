using YamlDotNet.Core;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>A place in a file of the configuration.</summary>
/// <param name="File">The file as it was named, for messages.</param>
/// <param name="Line">The line, from 1.</param>
/// <param name="Column">The column, from 1, in UTF-16 units as editors count them.</param>
internal readonly record struct SourcePosition(string File, long Line, long Column)
{
    /// <summary>The place of one of the parser's marks.</summary>
    public static SourcePosition Of(string file, in Mark mark) => new(file, mark.Line, mark.Column);

    public override string ToString() => $"{File}:{Line}:{Column}";
}

/// <summary>What stands somewhere in a file. Immutable; an alias is the very node that it names.</summary>
/// <param name="At">Where it begins.</param>
internal abstract record DocumentNode(SourcePosition At)
{
    /// <summary>What it is, for messages.</summary>
    public abstract string What { get; }

    /// <summary>Whether a key stands there and no value behind it, which is not the same as an empty text.</summary>
    public bool IsMissing => this is ScalarNode { IsPlain: true, Text: "" or "~" or "null" or "Null" or "NULL" };
}

/// <summary>One value.</summary>
/// <param name="At">Where it begins.</param>
/// <param name="Text">The text, without quotes.</param>
/// <param name="IsPlain">Whether it stands there without quotes and not as a block.</param>
internal sealed record ScalarNode(SourcePosition At, string Text, bool IsPlain) : DocumentNode(At)
{
    public override string What => IsMissing ? "no value" : "one value";
}

/// <summary>A list.</summary>
/// <param name="At">Where it begins.</param>
/// <param name="Items">What is in it, in order.</param>
internal sealed record SequenceNode(SourcePosition At, IReadOnlyList<DocumentNode> Items) : DocumentNode(At)
{
    public override string What => "a list";
}

/// <summary>Keys with their values; no key is there twice.</summary>
/// <param name="At">Where it begins.</param>
/// <param name="Entries">The keys in the order in which they were written.</param>
internal sealed record MappingNode(SourcePosition At, IReadOnlyList<MappingEntry> Entries) : DocumentNode(At)
{
    public override string What => "keys with values";

    /// <summary>The value of a key; null when it is not there.</summary>
    public DocumentNode? Find(string key) => Entries.FirstOrDefault(entry => entry.Key.Text == key)?.Value;
}

/// <summary>A key and its value.</summary>
internal sealed record MappingEntry(ScalarNode Key, DocumentNode Value);
