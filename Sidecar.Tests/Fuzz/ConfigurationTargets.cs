using Sidecar.Daemon.Configuration.Files;
using Sidecar.Tests.Configuration.Files;
using static Sidecar.Tests.Fuzz.FuzzTarget;

namespace Sidecar.Tests.Fuzz;

/// <summary>The configuration file: what an editor, a template or half a copy leaves there is read or refused, never more.</summary>
internal static class ConfigurationTargets
{
    private static readonly byte[][] Examples =
        [.. ConfigurationExamples.Names.Select(static name => System.Text.Encoding.UTF8.GetBytes(ConfigurationExamples.Find(name)!))];

    public static IEnumerable<FuzzTarget> All =>
    [
        new("config.document", Document, [.. Examples, "a: &x [1, *x]\n"u8.ToArray(), "a: &x {b: 1}\nc: [*x, *x]\n"u8.ToArray()])
        {
            // The parser keeps tokens, marks and keys as objects of their own.
            BytesPerByte = 4096,
        },
        new("config.file", File, Examples)
        {
            // Every error names the keys that there are, and a key can be one byte.
            FreeBytes = 1024 * 1024,
            BytesPerByte = 8192,
        },
    ];

    private static string Document(byte[] input)
    {
        var findings = new Findings();
        var node = DocumentReader.Read("f", input, findings);
        Require(node is not null || findings.HasErrors, "nothing was read and nothing said");
        Require(findings.Errors.All(static error => error.StartsWith("f:", StringComparison.Ordinal)), "an error has no place");
        return findings.HasErrors ? Refused(findings.Errors[0]) : node!.GetType().Name;
    }

    private static string File(byte[] input)
    {
        var reading = ConfigurationText.Read(input);
        Require(reading.Snapshot is null == reading.Errors.Count > 0, "a configuration is refused without a word, or used with an error");
        Require(reading.Errors.Concat(reading.Warnings).All(static line => line.Length < 1_000 && !line.Any(char.IsControl)), "a line is none");
        if (reading.Snapshot is not { } snapshot)
        {
            return Refused(reading.Errors[0]);
        }

        var written = SnapshotWriter.Write(snapshot);
        var again = ConfigurationText.Read(written);
        Require(again.Errors.Count == 0, $"what was read and written cannot be read again: {string.Join(" | ", again.Errors)}\n{written}");
        Require(SnapshotWriter.Write(again.Snapshot!) == written, "what was read, written and read again is something else");
        return "a configuration";
    }
}
