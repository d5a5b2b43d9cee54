# Installs what a Homebrew formula names, without Homebrew: formula.rb FORMULA DIRECTORY PREFIX takes the archive for this machine's
# Linux from DIRECTORY, where `brew` would download it, holds it against its checksum, and does what `install` says below PREFIX.
# It stands in for the few words of Homebrew's that the formula uses; a word it lacks is an error.

require "digest"
require "fileutils"
require "rbconfig"
require "tmpdir"

FORMULA, DIRECTORY, PREFIX = ARGV.map { |path| File.expand_path(path) }

# A folder things are installed into.
class Place
  def initialize(path)
    @path = path
  end

  def install(*what)
    FileUtils.mkdir_p(@path)
    what.flatten.each do |one|
      (one.is_a?(Hash) ? one : { one => File.basename(one) }).each { |from, to| FileUtils.cp_r(from, File.join(@path, to)) }
    end
  end
end

class Formula
  class << self
    attr_reader :found

    def desc(_) = nil
    def homepage(_) = nil
    def version(text) = @version = text
    def license(_) = nil
    def on_macos = nil
    def on_linux = yield
    def on_arm = (yield if RbConfig::CONFIG["host_cpu"] == "aarch64")
    def on_intel = (yield if RbConfig::CONFIG["host_cpu"] == "x86_64")
    def url(text) = @url = text
    def sha256(text) = (@found = [@version, @url, text])
    def test = nil
  end

  { bin: "bin", man1: "share/man/man1", bash_completion: "etc/bash_completion.d", pkgshare: "share/crm2capi",
    zsh_completion: "share/zsh/site-functions", fish_completion: "share/fish/vendor_completions.d" }.each do |word, path|
    define_method(word) { Place.new(File.join(PREFIX, path)) }
  end
end

load FORMULA
version, url, checksum = Crm2capi.found
abort "error: the formula has nothing for this machine" unless url
name = url.delete_prefix("https://github.com/crm2capi/crm2capi/releases/download/v#{version}/")
archive = File.join(DIRECTORY, name)
abort "error: #{name} is not in the release" unless File.file?(archive)
abort "error: the checksum of #{name} is another" unless Digest::SHA256.file(archive).hexdigest == checksum
Dir.mktmpdir do |folder|
  # Homebrew, too, goes into the one folder of an archive.
  abort "error: #{name} cannot be unpacked" unless system("tar", "-xzf", archive, "-C", folder)
  Dir.chdir(Dir[File.join(folder, "*")].fetch(0)) { Crm2capi.new.install }
end
