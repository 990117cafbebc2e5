using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Sidecar.Protocol.Transport;

/// <summary>Which file a path names right now, so that a file put there later by somebody else is told apart.</summary>
/// <param name="DeviceMajor">Major number of the device of the file system.</param>
/// <param name="DeviceMinor">Minor number of that device.</param>
/// <param name="Inode">Number of the inode on that device.</param>
/// <param name="BirthSeconds">When the inode was made, where the file system keeps that, else 0: inode numbers are used again.</param>
/// <param name="BirthNanoseconds">The fraction of that time.</param>
/// <param name="IsSocket">Whether it is a Unix socket. A symbolic link to one is not.</param>
/// <param name="Group">The id of the file's group. Not part of the identity.</param>
internal readonly record struct FileIdentity(
    uint DeviceMajor, uint DeviceMinor, ulong Inode, long BirthSeconds, uint BirthNanoseconds, bool IsSocket, uint Group)
{
    private const int KindMask = 0xF000;
    private const int SocketKind = 0xC000;

    /// <summary>Looks at a path without following a symbolic link in its last part.</summary>
    /// <returns>Null when nothing is there.</returns>
    /// <exception cref="IOException">The path could not be looked at; the message names it and the reason.</exception>
    public static FileIdentity? Read(string path)
    {
        var failed = NativeMethods.Status(
            NativeMethods.WorkingDirectory, path, NativeMethods.NoFollow, NativeMethods.BasicAndBirth, out var status) != 0;
        if (!failed)
        {
            return new FileIdentity(
                status.DeviceMajor,
                status.DeviceMinor,
                status.Inode,
                status.BirthSeconds,
                status.BirthNanoseconds,
                (status.Mode & KindMask) == SocketKind,
                status.Group);
        }

        var error = Marshal.GetLastPInvokeError();
        return error == NativeMethods.NoEntry
            ? null
            : throw new IOException($"cannot look at {path}: {Marshal.GetPInvokeErrorMessage(error)}", new Win32Exception(error));
    }

    /// <summary>Whether both are one file, whatever happened to its mode or group since.</summary>
    public bool IsSameFile(FileIdentity other) => this with { Group = other.Group } == other;

    // Plain DllImport: the source generator would need unsafe blocks, which this solution does not allow.
    private static class NativeMethods
    {
        /// <summary>errno: no such file or directory.</summary>
        internal const int NoEntry = 2;

        /// <summary>Relative paths start at the working directory.</summary>
        internal const int WorkingDirectory = -100;

        /// <summary>A symbolic link is looked at, not followed.</summary>
        internal const int NoFollow = 0x100;

        /// <summary>Ask <c>statx</c> for kind, mode, owner, group, inode and, where the file system keeps it, birth time.</summary>
        internal const uint BasicAndBirth = 0x7ff | 0x800;

        [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
        internal static extern int Status(
            int directory, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, out FileStatus status);

        /// <summary>
        /// <c>struct statx</c>, of which we read a part. Chosen over <c>struct stat</c> because it is laid out alike on every architecture.
        /// </summary>
        [StructLayout(LayoutKind.Explicit, Size = 256)]
        internal struct FileStatus
        {
            [FieldOffset(24)] public uint Group;
            [FieldOffset(28)] public ushort Mode;
            [FieldOffset(32)] public ulong Inode;
            [FieldOffset(80)] public long BirthSeconds;
            [FieldOffset(88)] public uint BirthNanoseconds;
            [FieldOffset(136)] public uint DeviceMajor;
            [FieldOffset(140)] public uint DeviceMinor;
        }
    }
}
