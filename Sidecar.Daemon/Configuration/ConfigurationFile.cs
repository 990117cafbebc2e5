using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Configuration;

/// <summary>Reads the configuration of an agent.</summary>
internal static class ConfigurationFile
{
    /// <summary>Most bytes of a configuration: 4 MiB, which fits a frame of the agent protocol in either encoding.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Reads a file that holds one JSON value.</summary>
    /// <exception cref="IOException">It cannot be read, is too long or is not JSON; the message says which, and names the file.</exception>
    public static JsonElement Read(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);

            // Not by the length that it states: it may be a pipe, or grow while it is read.
            var text = new byte[MaxBytes + 1];
            var length = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
            return length <= MaxBytes ? Parse(text.AsMemory(0, length)) : throw new IOException($"it has more than {MaxBytes} bytes");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException
            or ArgumentException or NotSupportedException)
        {
            throw new IOException($"config-file {path} cannot be read as JSON: {e.Message}", e);
        }
    }

    /// <summary>Reads one JSON value.</summary>
    /// <exception cref="JsonException">
    /// It is none, or holds a number that agents cannot read: they would accept the configuration and go on without it.
    /// </exception>
    public static JsonElement Parse(ReadOnlyMemory<byte> utf8)
    {
        using var document = JsonDocument.Parse(utf8);
        return NumberOutOfRange(document.RootElement) is { } number
            ? throw new JsonException(
                $"number {PeerText.Quote(number)} is out of range; at most {double.MaxValue:R} either way can be said")
            : FreeJson.Repaired(document.RootElement.Clone());
    }

    private static string? NumberOutOfRange(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => double.IsFinite(value.GetDouble()) ? null : value.GetRawText(),
        JsonValueKind.Array => value.EnumerateArray().Select(NumberOutOfRange).FirstOrDefault(static number => number is not null),
        JsonValueKind.Object =>
            value.EnumerateObject().Select(static member => NumberOutOfRange(member.Value))
                .FirstOrDefault(static number => number is not null),
        _ => null,
    };
}

/// <summary>
/// Holds a file whose content must stay between the daemon and those it is meant for against the rights and the owner it has.
/// </summary>
internal static class PrivateFile
{
    private const UnixFileMode Forbidden =
        UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    private const int EmptyPath = 0x1000;
    private const uint OwnerOnly = 0x8;

    /// <summary>Checks a file that is open, so that it is the one that is read.</summary>
    /// <param name="file">The file.</param>
    /// <param name="what">What it is, for the message, for example <c>token file</c>.</param>
    /// <param name="path">Where it is.</param>
    /// <param name="harm">What others could do who know or choose its content.</param>
    /// <param name="mode">The mode to advise, in octal.</param>
    /// <exception cref="IOException">
    /// Others may read it or the group may write it, it belongs to somebody else, or everybody may put another in its place; the message
    /// says what to do.
    /// </exception>
    public static void Check(SafeFileHandle file, string what, string path, string harm, string mode)
    {
        var found = File.GetUnixFileMode(file);
        if ((found & Forbidden) != 0)
        {
            throw new IOException($"the {what} {path} has mode {Octal(found)}; {harm}; run: chmod {mode} {path}");
        }

        var (owner, own) = (OwnerOf(file, path), FileCalls.EffectiveUser());
        if (OwnerProblem(owner, own) is { } problem)
        {
            throw new IOException($"the {what} {path} {problem}; {harm}; if you trust what it holds, run: chown {own} {path}");
        }

        // With the sticky bit others may add files there but not replace this one.
        var directory = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        var rights = File.GetUnixFileMode(directory);
        if ((rights & UnixFileMode.OtherWrite) != 0 && (rights & UnixFileMode.StickyBit) == 0)
        {
            throw new IOException(
                $"the {what} {path} lies in a directory with mode {Octal(rights)}, where everybody may put another in its place; {harm}; "
                + $"run: chmod o-w {directory}");
        }
    }

    /// <summary>What is wrong with a file's owner; null when it is root or the daemon's own user.</summary>
    internal static string? OwnerProblem(uint owner, uint own) => owner == 0 || owner == own
        ? null
        : $"belongs to the user with the id {owner}, not to root or to the daemon's own user, {own}";

    private static uint OwnerOf(SafeFileHandle file, string path) =>
        FileCalls.Status((int)file.DangerousGetHandle(), "", EmptyPath, OwnerOnly, out var status) == 0
            ? status.Owner
            : throw new IOException($"cannot look at {path}: {Marshal.GetLastPInvokeErrorMessage()}");

    private static string Octal(UnixFileMode mode) => "0" + Convert.ToString((int)mode, 8);
}

/// <summary>What the base library lacks about files: the owner of an open one, what one is, a second name for one, and who we are.</summary>
/// <remarks>Plain <c>DllImport</c>: the source generator would need unsafe blocks, which this solution does not allow.</remarks>
internal static class FileCalls
{
    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static extern uint EffectiveUser();

    /// <summary>Whether reading a path may never end: it is a pipe, a device or a socket. False where nothing can be told of it.</summary>
    internal static bool IsEndless(string path)
    {
        const int WorkingDirectory = -100;
        const uint Type = 1;
        const int TypeBits = 0xF000;
        const int Directory = 0x4000;
        const int Regular = 0x8000;
        return Status(WorkingDirectory, path, 0, Type, out var status) == 0 && (status.Mode & TypeBits) is not (Directory or Regular);
    }

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

        [FieldOffset(28)]
        public ushort Mode;
    }
}
