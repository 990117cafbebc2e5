namespace Sidecar.Daemon.Configuration.Settings;

/// <summary>Values that say who may use a socket file.</summary>
internal static class SocketFormats
{
    private const int MostDigits = 4;

    /// <summary>Access rights in octal digits, for example <c>0660</c>.</summary>
    public static ValueFormat<UnixFileMode> Mode { get; } =
        new("OCTAL", "1 to 4 digits", Read, static value => "0" + Convert.ToString((int)value, 8));

    private static bool Read(string text, Action<string> error, out UnixFileMode value)
    {
        var mode = 0;
        var isOctal = text.Length <= MostDigits;
        foreach (var digit in text)
        {
            isOctal &= digit is >= '0' and <= '7';
            mode = (mode * 8) + (digit - '0');
        }

        value = (UnixFileMode)mode;
        if (!isOctal)
        {
            error($"{text} is not an octal file mode such as 0660");
        }

        return isOctal;
    }
}
