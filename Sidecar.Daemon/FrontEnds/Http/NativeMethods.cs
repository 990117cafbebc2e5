using System.Runtime.InteropServices;

namespace Sidecar.Daemon.FrontEnds.Http;

/// <summary>The one libc function of this room: <c>File.Move</c> without overwriting looks first and renames then, so two can win.</summary>
internal static class NativeMethods
{
    /// <summary>Gives a file a second name; fails when that name is taken, whoever takes it at the same moment.</summary>
    [DllImport("libc", EntryPoint = "link", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static extern int Link([MarshalAs(UnmanagedType.LPUTF8Str)] string existing, [MarshalAs(UnmanagedType.LPUTF8Str)] string name);
}
