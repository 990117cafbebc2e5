using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Cli.Bench;

/// <summary>Ties this process to processors.</summary>
internal static class CpuPin
{
    // As many as the C library's cpu_set_t has.
    private const int MostCpus = 1024;

    /// <summary>Reads <c>1</c>, <c>0,2</c> or <c>0-3</c>.</summary>
    public static bool TryParse(string text, out IReadOnlyList<int> cpus)
    {
        var list = new List<int>();
        cpus = list;
        foreach (var part in text.Split(','))
        {
            var ends = part.Split('-');
            if (ends.Length > 2 || !TryNumber(ends[0], out var first) || !TryNumber(ends[^1], out var last) || last < first)
            {
                return false;
            }

            list.AddRange(Enumerable.Range(first, last - first + 1));
        }

        return true;
    }

    /// <summary>Lets every thread of this process, and those that they start, run on these processors only.</summary>
    /// <exception cref="Win32Exception">The machine has none of them.</exception>
    public static void Apply(IReadOnlyList<int> cpus)
    {
        // Bytes for words: the same on little-endian machines, and the daemon is published for no others.
        var mask = new byte[MostCpus / 8];
        foreach (var cpu in cpus)
        {
            mask[cpu / 8] |= (byte)(1 << (cpu % 8));
        }

        // The system call is about one thread. Threads inherit from the one that starts them, so once none is new all are tied.
        var done = new HashSet<int>();
        while (Threads().Where(done.Add).ToList() is { Count: > 0 } threads)
        {
            foreach (var thread in threads)
            {
                if (NativeMethods.SetAffinity(thread, mask.Length, mask) != 0
                    && Marshal.GetLastPInvokeError() is var error and not NativeMethods.NoSuchThread)
                {
                    throw new Win32Exception(error);
                }
            }
        }
    }

    private static IEnumerable<int> Threads() =>
        Directory.EnumerateDirectories("/proc/self/task")
            .Select(static path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture));

    private static bool TryNumber(string text, out int cpu) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out cpu) && cpu < MostCpus;

    private static class NativeMethods
    {
        internal const int NoSuchThread = 3;

        [DllImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        internal static extern int SetAffinity(int thread, nint size, byte[] mask);
    }
}
