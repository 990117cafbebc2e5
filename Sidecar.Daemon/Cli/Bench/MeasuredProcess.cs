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

/// <summary>What <c>/proc/PID/stat</c> says of a process with all its threads.</summary>
/// <param name="Cpu">Processor time, its own and the kernel's for it.</param>
/// <param name="Started">When it started, in ticks since boot: another one under the same id is another process.</param>
internal readonly record struct ProcessTimes(TimeSpan Cpu, long Started)
{
    // USER_HZ, which Linux has at 100 on every architecture that .NET runs on.
    private const long TicksPerSecond = 100;

    // Fields after the name, counted from 0; proc(5) counts from 1 and has two before.
    private const int UserTime = 11;
    private const int SystemTime = 12;
    private const int StartTime = 19;

    /// <summary>Reads those of a process; null when there is none.</summary>
    public static ProcessTimes? Read(int pid)
    {
        try
        {
            return Parse(File.ReadAllText($"/proc/{pid}/stat"));
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Reads the line; null when it is none.</summary>
    public static ProcessTimes? Parse(string stat)
    {
        // The name stands in parentheses and may contain some, and spaces.
        var fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > StartTime && Number(UserTime) is { } user && Number(SystemTime) is { } system
            && Number(StartTime) is { } started
            ? new(TimeSpan.FromTicks((user + system) * TimeSpan.TicksPerSecond / TicksPerSecond), started)
            : null;

        long? Number(int index) =>
            long.TryParse(fields[index], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    /// <summary>Processor time since then; null when the process is another one or gone.</summary>
    public static TimeSpan? Between(ProcessTimes? before, ProcessTimes? after) =>
        before is { } start && after is { } end && start.Started == end.Started ? end.Cpu - start.Cpu : null;
}
