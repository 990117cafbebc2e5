namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>Reads a value.</summary>
/// <param name="text">What was written, not empty unless the format says that it may be.</param>
/// <param name="error">Is told everything that is wrong, beginning with what was written and ending with what to write instead.</param>
/// <param name="value">What it means, when nothing is wrong.</param>
internal delegate bool TextReader<T>(string text, Action<string> error, out T value);

/// <summary>Reads a value that has parts.</summary>
/// <param name="parts">The parts as written, none of them empty; none at all only where the format says that it may be empty.</param>
/// <param name="error">Is told everything that is wrong, as by a <see cref="TextReader{T}"/>.</param>
/// <param name="value">What they mean, when nothing is wrong.</param>
internal delegate bool PartsReader<T>(IReadOnlyList<string> parts, Action<string> error, out T value);

/// <summary>How a kind of value is written, in flags and keys alike. Immutable.</summary>
/// <param name="Placeholder">What help shows in its place, for example <c>DURATION</c>.</param>
/// <param name="Range">From where to where, for the documentation; empty where there is no range.</param>
/// <param name="Reading">Reads it, and checks the range.</param>
/// <param name="Writing">Writes it so that it is read as the same.</param>
internal sealed record ValueFormat<T>(string Placeholder, string Range, TextReader<T> Reading, Func<T, string> Writing)
{
    /// <summary>What may be written where the placeholder stands for some words; empty where it does not.</summary>
    public string Choices { get; init; } = "";

    /// <summary>What a number counts, in the plural; empty where the text has its unit.</summary>
    public string Unit { get; init; } = "";

    /// <summary>Whether the text may be empty.</summary>
    public bool CanBeEmpty { get; init; }

    /// <summary>How it is written in a file.</summary>
    public ValueForm Form { get; init; } = new();

    /// <summary>Reads its parts; null where it has none.</summary>
    public PartsReader<T>? ReadingParts { get; init; }

    /// <summary>Writes its parts; null where it has none.</summary>
    public Func<T, IReadOnlyList<string>>? WritingParts { get; init; }

    /// <summary>How a file writes it, where that is not as flags do; null where it is.</summary>
    public ValueFormat<T>? FileFormat { get; init; }

    /// <summary>How a file writes it.</summary>
    public ValueFormat<T> InFile => FileFormat ?? this;

    /// <summary>Reads a value; false, with at least one error, when it is none.</summary>
    public bool TryRead(string text, Action<string> error, out T value) => Reading(text, error, out value);

    /// <summary>Writes a value.</summary>
    public string Write(T value) => Writing(value);

    /// <summary>Reads a value in parts, one where it has none; false, with at least one error, when it is none.</summary>
    public bool TryReadParts(IReadOnlyList<string> parts, Action<string> error, out T value) =>
        ReadingParts is { } reading ? reading(parts, error, out value) : Reading(parts[0], error, out value);

    /// <summary>Writes a value in parts.</summary>
    public IReadOnlyList<string> WriteParts(T value) => WritingParts is { } writing ? writing(value) : [Writing(value)];
}

/// <summary>What stands in a file for a value.</summary>
internal enum ValueShape
{
    /// <summary>One text.</summary>
    One,

    /// <summary>A list, or one text for a list of one.</summary>
    List,

    /// <summary>Keys with values, or one text.</summary>
    Map,

    /// <summary>Agents in stages, which are read where they stand.</summary>
    Stages,
}

/// <summary>How a kind of value is written in a file, for whoever reads one and for its schema.</summary>
internal sealed record ValueForm
{
    /// <summary>What stands there.</summary>
    public ValueShape Shape { get; init; }

    /// <summary>Words that may be written; with nothing else but them, the only ones.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>What a text, or each item, may look like besides: a regular expression for all of it; null for any text.</summary>
    public string? Pattern { get; init; }

    /// <summary>The least and the most of a whole number; null where it is none.</summary>
    public (int Min, int Max)? Bounds { get; init; }

    /// <summary>Whether it may look like a whole number to whoever reads the file without knowing it.</summary>
    public bool IsNumeric { get; init; }

    /// <summary>Whether it may look like a truth value to them.</summary>
    public bool IsSwitch { get; init; }

    /// <summary>Whether it is the path of a file, which in a file is relative to that.</summary>
    public bool IsPath { get; init; }
}
