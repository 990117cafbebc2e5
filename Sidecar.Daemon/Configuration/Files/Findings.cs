using System.Globalization;
using System.Text;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>Collects what is wrong with a configuration and what is probably not meant. Not safe for concurrent use.</summary>
/// <remarks>Bounded: beyond <see cref="Most"/> of a kind they are only counted, because a broken file can have one in every line.</remarks>
internal sealed class Findings
{
    /// <summary>Errors and warnings that are kept of each kind: 100, more than anybody mends before the next try.</summary>
    public const int Most = 100;

    // Longest message: a value that is quoted in it may be as long as the file.
    private const int MaxLength = 800;

    private readonly List<string> _files = [];
    private readonly Kind _errors = new("errors", "");
    private readonly Kind _warnings = new("warnings", "warning: ");

    /// <summary>Whether there is an error.</summary>
    public bool HasErrors => _errors.Count > 0;

    /// <summary>Every error, a line each, in the order of the files and their lines; those without a place come last.</summary>
    public IReadOnlyList<string> Errors => _errors.Lines(_files);

    /// <summary>Every warning, likewise.</summary>
    public IReadOnlyList<string> Warnings => _warnings.Lines(_files);

    /// <summary>Adds an error.</summary>
    /// <param name="at">Where it is; null where that is no place in a file.</param>
    /// <param name="message">What is wrong and what to do.</param>
    public void Error(SourcePosition? at, string message) => Add(_errors, at, message);

    /// <summary>Adds a warning.</summary>
    /// <param name="at">Where it is; null where that is no place in a file.</param>
    /// <param name="message">What is probably not meant, and what to do.</param>
    public void Warn(SourcePosition? at, string message) => Add(_warnings, at, message);

    private void Add(Kind kind, SourcePosition? at, string message)
    {
        if (at is { } place && !_files.Contains(place.File))
        {
            _files.Add(place.File);
        }

        kind.Add(at, OneLine(message));
    }

    // Values are quoted as they were written; in a log or on a terminal they must stay text of one line.
    private static string OneLine(string message)
    {
        var text = new StringBuilder(Math.Min(message.Length, MaxLength));
        foreach (var rune in message.EnumerateRunes())
        {
            if (text.Length >= MaxLength)
            {
                return text.Append('…').ToString();
            }

            if (Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.Format)
            {
                text.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
            }
            else
            {
                text.Append(rune.ToString());
            }
        }

        return text.ToString();
    }

    private sealed class Kind(string name, string mark)
    {
        private readonly List<(SourcePosition? At, string Message)> _kept = [];

        public int Count { get; private set; }

        public void Add(SourcePosition? at, string message)
        {
            Count++;
            if (_kept.Count < Most && !_kept.Contains((at, message)))
            {
                _kept.Add((at, message));
            }
        }

        public IReadOnlyList<string> Lines(List<string> files)
        {
            var sorted = _kept.OrderBy(one => one.At is { } at ? files.IndexOf(at.File) : int.MaxValue)
                .ThenBy(static one => one.At?.Line ?? 0).ThenBy(static one => one.At?.Column ?? 0)
                .Select(one => one.At is { } at ? $"{at}: {mark}{one.Message}" : mark + one.Message);
            return Count <= Most ? [.. sorted] : [.. sorted, $"and {Count - Most} more {name}, which are not shown"];
        }
    }
}
