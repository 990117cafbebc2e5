using System.Globalization;

namespace Sidecar.Daemon.Cli.Bench;

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
            return Parse(File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat")));
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
