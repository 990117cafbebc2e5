using System.Globalization;
using System.Runtime.InteropServices;

namespace Sidecar.Protocol.Transport;

/// <summary>How many descriptors a process may have open (RLIMIT_NOFILE).</summary>
/// <param name="Soft">What holds now.</param>
/// <param name="Hard">How far the process may raise it by itself; the runtime does so when it starts.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DescriptorLimit(int Soft, int Hard)
{
    private const string Path = "/proc/self/limits";
    private const string Line = "Max open files";

    /// <summary>The limits of this process; none where the system does not tell them.</summary>
    public static DescriptorLimit Read()
    {
        try
        {
            return Parse(File.ReadLines(Path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new DescriptorLimit(int.MaxValue, int.MaxValue);
        }
    }

    /// <summary>The limits in the text of <c>/proc/PID/limits</c>; none where it does not tell them.</summary>
    public static DescriptorLimit Parse(IEnumerable<string> lines)
    {
        var fields = lines.FirstOrDefault(static line => line.StartsWith(Line, StringComparison.Ordinal))?[Line.Length..]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return new DescriptorLimit(Number(fields, 0), Number(fields, 1));
    }

    // "unlimited", and what no process opens, are as good as no limit.
    private static int Number(string[] fields, int index) =>
        index < fields.Length && int.TryParse(fields[index], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : int.MaxValue;
}
