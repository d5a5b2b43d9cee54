# What `brew install` does: formula.py fills in the version, and address and checksum of each archive of a release.
class Crm2capi < Formula
  desc "Upload a CRM's lead stages to a Meta dataset through the Conversions API"
  homepage "https://github.com/crm2capi/crm2capi"
  version "@VERSION@"
  license any_of: ["MIT", "Apache-2.0"]

  @ARCHIVES@

  def install
    bin.install "crm2capi"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/crm2capi.bash" => "crm2capi"
    zsh_completion.install "completions/_crm2capi"
    fish_completion.install "completions/crm2capi.fish"
    pkgshare.install "examples"
  end

  test do
    clock = ["--now", "2026-11-21T16:00:00Z", "--timezone", "America/New_York"]
    output = shell_output("#{bin}/crm2capi upload --sandbox #{clock.join(" ")} #{pkgshare}/examples/hubspot.csv")
    assert_match "21 events accepted by the sandbox", output
  end
end
