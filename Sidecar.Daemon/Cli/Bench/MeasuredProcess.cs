using System.Buffers;
using System.Globalization;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>A process whose processor time a benchmark reports.</summary>
/// <param name="Name">What it is, in the report.</param>
/// <param name="Pid">Its id.</param>
internal sealed record MeasuredProcess(string Name, int Pid)
{
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>The one that runs the benchmark.</summary>
    public static MeasuredProcess Client { get; } = new("client", Environment.ProcessId);

    /// <summary>Reads <c>NAME=PID</c>.</summary>
    /// <param name="text">The words.</param>
    /// <param name="problem">What is wrong with them.</param>
    public static MeasuredProcess? Parse(string text, out string? problem)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var isNumber = int.TryParse(text.AsSpan(equals + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var pid);
        problem = equals < 1 || !isNumber || text.AsSpan(0, equals).ContainsAnyExcept(NameCharacters)
            ? $"--process {text} is not NAME=PID with a name of a-z, 0-9, - and _; write agent=4711"
            : text.StartsWith("client=", StringComparison.Ordinal) ? "--process client is this process itself; choose another name"
            : ProcessTimes.Read(pid) is null ? $"--process {text}: there is no process {pid}"
            : null;
        return problem is null ? new(text[..equals], pid) : null;
    }
}
