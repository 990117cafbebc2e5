namespace Sidecar.Tests.Spop;

/// <summary>Golden bytes, written by hand from the layouts of the specification.</summary>
internal static class Hex
{
    /// <summary>Hexadecimal digits with blanks, and text in single quotes, as bytes.</summary>
    public static byte[] Bytes(string golden)
    {
        var bytes = new List<byte>();
        var parts = golden.Split('\'');
        for (var i = 0; i < parts.Length; i++)
        {
            bytes.AddRange(i % 2 == 0 ? Convert.FromHexString(string.Concat(parts[i].Split())) : [.. parts[i].Select(c => (byte)c)]);
        }

        return [.. bytes];
    }
}
