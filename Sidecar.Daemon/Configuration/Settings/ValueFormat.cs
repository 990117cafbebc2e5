namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>Reads a value.</summary>
/// <param name="text">What was written, not empty unless the format says that it may be.</param>
/// <param name="error">Is told everything that is wrong, beginning with what was written and ending with what to write instead.</param>
/// <param name="value">What it means, when nothing is wrong.</param>
internal delegate bool TextReader<T>(string text, Action<string> error, out T value);

/// <summary>How a kind of value is written: in flags and keys alike. Immutable.</summary>
/// <param name="placeholder">What help shows in its place, for example <c>DURATION</c>.</param>
/// <param name="range">From where to where, for the documentation; empty where there is no range.</param>
/// <param name="read">Reads it, and checks the range.</param>
/// <param name="write">Writes it so that it is read as the same.</param>
internal sealed class ValueFormat<T>(string placeholder, string range, TextReader<T> read, Func<T, string> write)
{
    /// <summary>What help shows in its place.</summary>
    public string Placeholder => placeholder;

    /// <summary>From where to where; empty where there is no range.</summary>
    public string Range => range;

    /// <summary>What may be written where the placeholder stands for some words; empty where it does not.</summary>
    public string Choices { get; init; } = "";

    /// <summary>What a number counts, in the plural; empty where the text has its unit.</summary>
    public string Unit { get; init; } = "";

    /// <summary>Whether the text may be empty.</summary>
    public bool CanBeEmpty { get; init; }

    /// <summary>Reads a value; false, with at least one error, when it is none.</summary>
    public bool TryRead(string text, Action<string> error, out T value) => read(text, error, out value);

    /// <summary>Writes a value.</summary>
    public string Write(T value) => write(value);
}
