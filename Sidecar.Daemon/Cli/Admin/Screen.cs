using System.Globalization;
using System.Text;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Cli.Admin;

/// <summary>Lays out what a command prints: tables of plain text, numbers as people read them.</summary>
internal static class Screen
{
    // A cell that is longer would push all others off the screen; the whole text is in the JSON.
    private const int MaxCell = 60;

    /// <summary>A table: columns as wide as their longest cell, two spaces between them.</summary>
    /// <param name="rows">The first one is the heading.</param>
    /// <param name="indent">Spaces before each line.</param>
    public static string Table(IReadOnlyList<IReadOnlyList<object>> rows, int indent = 0)
    {
        var cells = rows.Select(static row => row
            .Select(static cell => PeerText.Clean(Convert.ToString(cell, CultureInfo.InvariantCulture)!, MaxCell - 1)).ToList()).ToList();
        var widths = Enumerable.Range(0, cells[0].Count).Select(column => cells.Max(row => row[column].Length)).ToList();
        var text = new StringBuilder();
        foreach (var row in cells)
        {
            var line = string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd();
            text.Append(' ', indent).Append(line).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>A text in which what would move the cursor or change colours is escaped, for some of it was written by agents.</summary>
    public static string Clean(string text) => PeerText.Clean(text);

    /// <summary>What needs attention, a line each.</summary>
    public static string Warnings(IEnumerable<string> warnings) =>
        string.Concat(warnings.Select(static warning => $"! {Clean(warning)}\n"));

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Milliseconds, with as many digits as help; a dash when there were none.</summary>
    public static string Milliseconds(double value, long count) =>
        count == 0 ? "-" : value.ToString(value < 10 ? "0.00" : value < 100 ? "0.0" : "0", CultureInfo.InvariantCulture) + "ms";

    /// <summary>A length of time in its two largest units.</summary>
    public static string Duration(double seconds)
    {
        var span = TimeSpan.FromSeconds(Math.Clamp(seconds, 0, TimeSpan.MaxValue.TotalSeconds / 2));
        return span switch
        {
            { TotalDays: >= 1 } => $"{Number(span.Days)}d {Number(span.Hours)}h",
            { TotalHours: >= 1 } => $"{Number(span.Hours)}h {Number(span.Minutes)}m",
            { TotalMinutes: >= 1 } => $"{Number(span.Minutes)}m {Number(span.Seconds)}s",
            _ => span.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture) + "s",
        };
    }

    /// <summary>Bytes in the largest unit that leaves a number of at least one.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        >= 1 << 30 => (bytes / (double)(1 << 30)).ToString("0.0", CultureInfo.InvariantCulture) + " GiB",
        >= 1 << 20 => (bytes / (double)(1 << 20)).ToString("0.0", CultureInfo.InvariantCulture) + " MiB",
        >= 1 << 10 => (bytes / (double)(1 << 10)).ToString("0.0", CultureInfo.InvariantCulture) + " KiB",
        _ => Number(bytes) + " B",
    };

}
