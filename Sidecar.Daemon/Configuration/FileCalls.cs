using System.Runtime.InteropServices;

namespace Sidecar.Daemon.Configuration;

/// <summary>What the base library lacks about files: the owner of an open one, a second name for one, and who we are.</summary>
/// <remarks>Plain <c>DllImport</c>: the source generator would need unsafe blocks, which this solution does not allow.</remarks>
internal static class FileCalls
{
    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static extern uint EffectiveUser();

    /// <summary>
    /// Gives a file a second name, and fails when that is taken: File.Move without overwriting looks first and renames then, so two can
    /// win.
    /// </summary>
    [DllImport("libc", EntryPoint = "link", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static extern int Link([MarshalAs(UnmanagedType.LPUTF8Str)] string path, [MarshalAs(UnmanagedType.LPUTF8Str)] string added);

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static extern int Status(
        int directory, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, out FileStatus status);

    /// <summary>The part of <c>struct statx</c> that is read.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct FileStatus
    {
        [FieldOffset(20)]
        public uint Owner;
    }
}
