using System.Security.Cryptography;
using System.Text;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Daemon.Listeners.Registration;

/// <summary>The secrets of agents that dial in, each bound to one agent id (spec §8). Safe from any thread.</summary>
/// <remarks>Only digests are kept, so that all have one length and the process's memory holds no secret for long.</remarks>
internal sealed class AgentTokens
{
    /// <summary>Fewest bytes of a token: 16, beyond guessing at any rate if it is random.</summary>
    public const int MinLength = 16;

    private const long MaxFileLength = 1024 * 1024;

    private readonly ILookup<string, byte[]> _digests;

    private AgentTokens(ILookup<string, byte[]> digests) => _digests = digests;

    /// <summary>
    /// Reads a file with one <c>agent-id token</c> per line; empty lines and those that begin with <c>#</c> are skipped. Several lines for
    /// one agent let a token be replaced in two steps.
    /// </summary>
    /// <param name="path">The file; others must not be able to read or change it.</param>
    /// <param name="agents">The agents that must have a token.</param>
    /// <exception cref="IOException">The file cannot be used; the message says why and what to do. It holds no token.</exception>
    public static AgentTokens Load(string path, IEnumerable<string> agents)
    {
        var digests = Read(path).Split('\n')
            .Select((line, index) => (Text: line.Trim(), Where: $"the token file {path}, line {index + 1}"))
            .Where(static line => line.Text is not ("" or ['#', ..]))
            .Select(static line => Parse(line.Text, line.Where))
            .ToLookup(static entry => entry.Agent, static entry => entry.Digest, StringComparer.Ordinal);
        return agents.FirstOrDefault(agent => !digests.Contains(agent)) is { } missing
            ? throw new IOException(
                $"the token file {path} has no token for agent {missing}, which could never register; add a line '{missing} TOKEN'")
            : new AgentTokens(digests);
    }

    /// <summary>Whether this is a token of this agent. Takes as long for a wrong token as for the right one.</summary>
    public bool IsValid(string agent, string token)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(token), digest);
        var valid = false;
        foreach (var known in _digests[agent])
        {
            valid |= CryptographicOperations.FixedTimeEquals(known, digest);
        }

        return valid;
    }

    private static string Read(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            PrivateFile.Check(file.SafeFileHandle, "token file", path, "others could register as an agent", "600");
            if (file.Length > MaxFileLength)
            {
                throw new IOException($"the token file {path} has {file.Length} bytes; the limit is {MaxFileLength}; it holds one "
                    + "'agent-id token' per line");
            }

            using var text = new StreamReader(
                file, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true),
                detectEncodingFromByteOrderMarks: false);
            return text.ReadToEnd().TrimStart('\uFEFF');
        }
        catch (Exception e) when (e is UnauthorizedAccessException or FileNotFoundException or DirectoryNotFoundException
            or DecoderFallbackException)
        {
            throw new IOException(
                $"cannot use the token file {path}: {e.Message}; it must be UTF-8 text that the daemon's user may read", e);
        }
    }

    private static (string Agent, byte[] Digest) Parse(string line, string where)
    {
        var parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != 2)
        {
            throw new IOException($"{where}: {parts.Length} words; write 'agent-id token', neither with spaces");
        }

        var token = Encoding.UTF8.GetBytes(parts[1]);
        if (token.Length < MinLength)
        {
            throw new IOException($"{where}: the token of agent {parts[0]} has {token.Length} bytes; the least is {MinLength}; make one "
                + "with: head -c 24 /dev/urandom | base64");
        }

        return (parts[0], SHA256.HashData(token));
    }
}
