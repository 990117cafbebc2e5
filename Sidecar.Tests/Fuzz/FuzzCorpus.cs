using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Sidecar.Tests.Fuzz;

/// <summary>
/// The inputs kept in <c>Corpus/fuzz/TARGET.txt</c>: one per line, as JSON text where it is text and as hex where it is not; <c>#</c> begins a remark.
/// </summary>
/// <param name="folder">The folder.</param>
internal sealed class FuzzCorpus(string folder)
{
    /// <summary>The corpus that the tests were built with.</summary>
    public static FuzzCorpus OfTests { get; } = new(Path.Combine(AppContext.BaseDirectory, "Corpus", "fuzz"));

    /// <summary>The targets that have a file.</summary>
    public IEnumerable<string> Targets => Directory.Exists(folder) ? Directory.GetFiles(folder, "*.txt")
        .Select(static path => Path.GetFileNameWithoutExtension(path)) : [];

    /// <summary>The inputs of a target; none when it has no file.</summary>
    /// <exception cref="FormatException">A line is neither a JSON string nor hex.</exception>
    /// <exception cref="JsonException">A line that begins with a quote is no JSON string.</exception>
    public IReadOnlyList<byte[]> Of(string target)
    {
        var file = FileOf(target);
        return File.Exists(file) ? [.. File.ReadLines(file).Where(static line => line.Length > 0 && line[0] != '#').Select(BytesOf)] : [];
    }

    /// <summary>Adds an input, if it is not there.</summary>
    /// <param name="target">Whose it is.</param>
    /// <param name="input">The input.</param>
    /// <param name="remark">What became of it, in one line.</param>
    public void Add(string target, byte[] input, string remark)
    {
        var line = LineOf(input);
        var file = FileOf(target);
        if (!File.Exists(file) || !File.ReadLines(file).Contains(line, StringComparer.Ordinal))
        {
            Directory.CreateDirectory(folder);
            File.AppendAllText(file, $"# {remark.ReplaceLineEndings(" ")}\n{line}\n");
        }
    }

    /// <summary>The line of an input.</summary>
    public static string LineOf(byte[] input)
    {
        var isText = input.Length > 0 && Utf8.IsValid(input)
            && input.Count(static b => b < ' ' && b is not ((byte)'\r' or (byte)'\n' or (byte)'\t')) * 8 < input.Length;
        return isText ? JsonSerializer.Serialize(Encoding.UTF8.GetString(input)) : "x" + Convert.ToHexString(input);
    }

    /// <summary>The input of a line.</summary>
    public static byte[] BytesOf(string line) => line[0] == '"'
        ? Encoding.UTF8.GetBytes(JsonSerializer.Deserialize<string>(line)!)
        : line[0] == 'x' ? Convert.FromHexString(line.AsSpan(1))
            : throw new FormatException($"'{line}' is neither a JSON string nor x and hex");

    private string FileOf(string target) => Path.Combine(folder, target + ".txt");
}
